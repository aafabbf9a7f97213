"""The fault rig (`make chaos`): real processes, real load, seeded faults, then proof that nothing was lost."""
