"""Plants violations past every guard: models, triggers, checks and unique indexes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from portal.core import clock
from portal.core.notifications import dispatch
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.evidence.models import Evidence
from relief.invariants import violations
from tests.factories import NOW
from tests.past_guards import past_the_guards

LATER = NOW + timedelta(days=60)
Deed = Callable[[Case], None]
Planted = tuple[str, str, State, Deed]


def change(row: Any, **values: Any) -> None:
    """UPDATE past the models; values as the database stores them."""
    names = ", ".join(f"{name} = %s" for name in values)
    adapt = connection.ops.adapt_datetimefield_value
    stored = [adapt(v) if isinstance(v, datetime) else v for v in values.values()]
    with past_the_guards() as cursor:
        cursor.execute(f"UPDATE {row._meta.db_table} SET {names} WHERE id = %s", [*stored, row.pk])


def drop(row: Any) -> None:
    """DELETE past the models."""
    with past_the_guards() as cursor:
        cursor.execute(f"DELETE FROM {row._meta.db_table} WHERE id = %s", [row.pk])


def without_check(table: str, name: str) -> None:
    """PostgreSQL keeps checks even for a replica."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def without_index(name: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"DROP INDEX {name}")


def deliver(now: Any = NOW) -> None:
    """Send what waits, as the worker would."""
    for pk in dispatch.claim_due(now, 1000):
        dispatch.deliver_one(pk, now)


def found(now: Any = LATER) -> list[str]:
    return [str(each) for each in violations(now=now, real_now=clock.real_now())]


def planter(deeds: list[Planted]) -> Callable[..., Callable[[Deed], Deed]]:
    """`@plants(rule, words of the line, state to start from)` keeps the deed in `deeds`."""

    def plants(rule: str, words: str, state: State = State.PLAN_ACTIVE) -> Callable[[Deed], Deed]:
        def keep(deed: Deed) -> Deed:
            deeds.append((rule, words, state, deed))
            return deed

        return keep

    return plants


def stored(case: Case) -> Path:
    """Where the bytes of a case's file are."""
    return Path(settings.PRIVATE_ROOT) / Evidence.objects.get(case=case).stored_key
