"""Canonical text and SHA-256 of terms and documents: equal content has one digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum

UNAMBIGUOUS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # without 0/O, 1/I/L
_FEN = Decimal("0.01")


def canonical_json(obj: object) -> str:
    """JSON with sorted keys and no spaces; Decimal as text of at least two places.

    `canonical_json({"b": Decimal("1.5"), "a": date(2026, 3, 2)})` is
    `{"a":"2026-03-02","b":"1.50"}`. Instants are written in UTC. Floats, naive instants and keys
    that are not text raise TypeError.
    """
    return json.dumps(_json_value(obj), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _json_value(obj: object) -> object:
    """`obj` as what JSON knows, without floats."""
    if isinstance(obj, Enum):
        return _json_value(obj.value)
    if obj is None or isinstance(obj, bool | int | str):
        return obj
    if isinstance(obj, Decimal):
        return _decimal(obj)
    if isinstance(obj, datetime):
        if obj.tzinfo is None:
            raise TypeError("an instant without a time zone has no canonical form")
        return obj.astimezone(UTC).isoformat()
    if isinstance(obj, date):
        return obj.isoformat()
    if isinstance(obj, Mapping):
        if not all(isinstance(key, str) for key in obj):
            raise TypeError("keys must be text")
        return {str(key): _json_value(value) for key, value in obj.items()}
    if isinstance(obj, list | tuple):
        return [_json_value(item) for item in obj]
    raise TypeError(f"{type(obj).__name__} has no canonical form")


def _decimal(value: Decimal) -> str:
    """Two places at least, no trailing zeros beyond: 12 → "12.00", 0.000400 → "0.0004"."""
    if not value.is_finite():
        raise TypeError("only finite numbers have a canonical form")
    normalized = value.normalize()
    exponent = normalized.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -2:
        normalized = normalized.quantize(_FEN)
    return f"{normalized:f}" if normalized else "0.00"


def digest_of(obj: object) -> str:
    """SHA-256 in hexadecimal of the canonical JSON of `obj`."""
    return hashlib.sha256(canonical_json(obj).encode()).hexdigest()


def short_code(seed: str, length: int = 6) -> str:
    """`length` unambiguous capitals and digits from `seed`; the same seed gives the same code.

    The seed must contain a secret where a code must not be guessed.
    """
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big")
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(UNAMBIGUOUS))
        letters.append(UNAMBIGUOUS[index])
    return "".join(letters)
