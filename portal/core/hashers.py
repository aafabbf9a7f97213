"""Argon2id with costs for a small machine: 19 MiB, two passes, one lane (OWASP's minimum)."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class KuanxiArgon2Hasher(Argon2PasswordHasher):
    memory_cost = 19 * 1024
    time_cost = 2
    parallelism = 1
