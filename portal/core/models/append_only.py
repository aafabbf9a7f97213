"""Rows that are written once: every way Django offers to change or delete them is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

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


class AppendOnly(models.Model):
    """Base of the books and of every trail; the database repeats it by trigger on PostgreSQL."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError(f"{type(self).__name__} rows are never updated")
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError(f"{type(self).__name__} rows are never deleted")
