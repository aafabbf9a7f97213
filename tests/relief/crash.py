"""A crash at the k-th write of a service, and the whole database before and after it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection

WRITE = re.compile(r"^\s*(?:INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
OURS = ("portal", "loans", "relief")
Snapshot = dict[str, list[tuple[Any, ...]]]


class Crashed(Exception):
    """The machine has died, as far as the service can tell."""


class WriteCounter:
    """A wrapper of the cursor that counts writes and dies after the `fatal`-th (0: never)."""

    def __init__(self, fatal: int = 0) -> None:
        self.fatal = fatal
        self.writes = 0

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        done = execute(sql, params, many, context)
        if WRITE.match(sql):
            self.writes += 1
            if self.writes == self.fatal:
                raise Crashed(sql)
        return done


@contextmanager
def dying_after(write: int) -> Iterator[WriteCounter]:
    """Every write is carried out; right after the given one nothing more is."""
    counter = WriteCounter(write)
    with connection.execute_wrapper(counter):
        yield counter


def snapshot() -> Snapshot:
    """Every row of every table of ours, in order."""
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values_list())
        for label in OURS
        for model in apps.get_app_config(label).get_models()
    }
