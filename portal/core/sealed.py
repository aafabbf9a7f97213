"""Secrets at rest: sealed with a key derived from SECRET_KEY, opened also with SECRET_KEY_FALLBACKS."""

from __future__ import annotations

import os
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

NONCE = 12  # bytes, as AES-GCM wants them


class Unreadable(Exception):
    """Sealed with a key that is gone, for another purpose, or changed since."""


def seal(secret: bytes, *, purpose: str) -> bytes:
    """AES-256-GCM of `secret`; opens for the same `purpose` only ("totp:17")."""
    nonce = os.urandom(NONCE)
    return nonce + _cipher(settings.SECRET_KEY).encrypt(nonce, secret, purpose.encode())


def unseal(box: bytes, *, purpose: str) -> bytes:
    """What was sealed; Unreadable when no key of ours opens it."""
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return _cipher(key).decrypt(box[:NONCE], box[NONCE:], purpose.encode())
        except (InvalidTag, ValueError):
            continue
    raise Unreadable(purpose)


@cache
def _cipher(secret_key: str) -> AESGCM:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"portal.sealed")
    return AESGCM(derived.derive(secret_key.encode()))
