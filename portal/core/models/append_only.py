"""Rows that stay as they were written: Django's ways to change or delete them are refused.

The database refuses too (portal.core.trail.row_triggers.py), whoever asks it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn, TypeVar

from django.db import models


class AppendOnlyError(TypeError):
    """Someone tried to rewrite history; corrections are new rows."""


M = TypeVar("M", bound=models.Model, covariant=True)


class AppendOnlyQuerySet(models.QuerySet[M]):
    """A QuerySet that can read and insert, nothing else."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never updated")

    def delete(self) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never deleted")

    def bulk_update(self, objs: Iterable[Any], fields: Any, batch_size: Any = None) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never updated")

    def update_or_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError(f"{self.model.__name__} rows are never updated")

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("update_conflicts") or kwargs.get("ignore_conflicts"):
            raise AppendOnlyError(f"{self.model.__name__} rows are inserted or refused")
        return super().bulk_create(objs, *args, **kwargs)


class Kept(models.Model):
    """Base of what was booked, offered or signed: never deleted, and only what became of it is added."""

    MAY_CHANGE: ClassVar[frozenset[str]] = frozenset()  # fields that say what became of a row
    SET_ONCE: ClassVar[frozenset[str]] = frozenset()  # of these, what stays once it has a value

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError(f"{type(self).__name__} rows are never deleted")


class AppendOnly(Kept):
    """Base of the books and of every trail: nothing becomes of these rows."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError(f"{type(self).__name__} rows are never updated")
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)
