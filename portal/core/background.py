"""Tasks for the worker, as typed functions: Celery has no types, and its decorator would take ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from celery import shared_task

P = ParamSpec("P")
R = TypeVar("R")


def task(function: Callable[P, R]) -> Callable[P, R]:
    """Register a function with Celery under its dotted name; called directly it stays what it was."""
    name = f"{function.__module__}.{function.__name__}"
    return cast(Callable[P, R], shared_task(name=name)(function))
