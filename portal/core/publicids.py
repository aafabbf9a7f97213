"""Random public ids for addresses: unguessable, and easy to read aloud."""

from __future__ import annotations

import secrets

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without 0/o, 1/i/l
LENGTH = 12  # 31**12 ≈ 2**59


def new_public_id() -> str:
    """Twelve random characters, e.g. `k7q2m9x4tzbd`; the default of every `public_id`."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
