"""The top floor: settings, addresses, pages across all packages, the staff desk's frame, the demo; no other package imports it."""
