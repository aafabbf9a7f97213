"""A seal on each row of a trail: only this program, with its key, can have written the row as it stands.

The seal is made while the row is inserted, in the same statement, from what the row says; no lock,
no further statement. `portal.core.trail.chain` puts sealed rows into one chain afterwards.
"""

from __future__ import annotations

import hmac
import json
import secrets
from functools import cache
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.db import models

from portal.core.kernel.digests import canonical_json

NONCE = 16  # hex digits in front of a seal: no two rows have the same, not even copies
LENGTH = 64


if TYPE_CHECKING:  # generic for the type checker only
    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField


class SealField(_CharField):
    """The last column of a table that is a trail; `trail` is its name for ever, whatever the class is."""

    def __init__(self, *args: Any, trail: str = "", **kwargs: Any) -> None:
        self.trail = trail
        kwargs |= {"max_length": LENGTH, "editable": False, "default": ""}
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        for fixed in ("max_length", "editable", "default"):
            kwargs.pop(fixed, None)
        return name, path, args, {**kwargs, "trail": self.trail}

    def pre_save(self, model_instance: models.Model, add: object) -> str:
        """Seals on insert: the columns before this one have their values by then."""
        if add:
            setattr(model_instance, self.attname, seal_of(model_instance))
        return str(getattr(model_instance, self.attname))


def seal_of(row: models.Model) -> str:
    """A new seal for what the row says, with the present key."""
    nonce = secrets.token_hex(NONCE // 2)
    return nonce + _mac(settings.TRAIL_KEYS[0], nonce + _content(row))


def is_sealed(row: models.Model) -> bool:
    """Whether the row says what it said when one of our keys sealed it."""
    stored: str = getattr(row, _seal_field(type(row)).attname)
    nonce, content = stored[:NONCE], _content(row)
    return any(
        hmac.compare_digest(nonce + _mac(key, nonce + content), stored)
        for key in settings.TRAIL_KEYS
    )


def seal_existing(model: type[models.Model]) -> None:
    """For the migration that adds the column: seal what was written before it, as it stands."""
    rows = model._base_manager.filter(seal="").order_by("pk")
    while batch := list(rows[:1000]):
        for row in batch:
            setattr(row, _seal_field(model).attname, seal_of(row))
        model._base_manager.bulk_update(batch, ["seal"])


def keyed_digest(content: str) -> str:
    """The digest that a link of the chain, or a day's end, is made with: 64 hex digits."""
    return _hmac(settings.TRAIL_KEYS[0], content)


def is_digest_of(digest: str, content: str) -> bool:
    """Whether one of our keys made the digest from this content."""
    return any(hmac.compare_digest(_hmac(key, content), digest) for key in settings.TRAIL_KEYS)


@cache
def trails() -> dict[str, type[models.Model]]:
    """Every table with a seal, by the name of its trail."""
    sealed_trails = {
        field.trail: model
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, SealField)
    }
    return dict(sorted(sealed_trails.items()))


def _content(row: models.Model) -> str:
    """What the seal covers: trail and columns, canonical, without the key that the database gives.

    Empty columns are left out, so that one that is added later leaves old seals as they are.
    """
    facts: dict[str, Any] = {"trail": _seal_field(type(row)).trail}
    for field in row._meta.concrete_fields:
        value = field.to_python(getattr(row, field.attname))
        if not (field.primary_key or isinstance(field, SealField) or value in (None, "", {}, [])):
            facts[field.attname] = _as_stored(value)
    return canonical_json(facts)


def _as_stored(value: Any) -> Any:
    """JSON as it comes back from the database: keys are text, tuples are lists."""
    return json.loads(json.dumps(value)) if isinstance(value, dict | list | tuple) else value


@cache
def _seal_field(model: type[models.Model]) -> SealField:
    return next(field for field in model._meta.concrete_fields if isinstance(field, SealField))


def _mac(key: str, content: str) -> str:
    return _hmac(key, content)[: LENGTH - NONCE]


def _hmac(key: str, content: str) -> str:
    return hmac.new(key.encode(), content.encode(), "sha256").hexdigest()
