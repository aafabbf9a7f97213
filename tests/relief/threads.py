"""Real threads against PostgreSQL: all through one gate at once, results or refusals gathered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import connection

from portal.core.errors import RuleViolation

THREADS = 50
Act = Callable[[], object]
T = TypeVar("T")


def race(*acts: Act, threads: int = THREADS) -> list[list[object]]:
    """Runs the acts at once, in turn over all threads; one list of outcomes for each act."""
    gate = Barrier(threads)

    def run(act: Act) -> object:
        try:
            connection.ensure_connection()  # the race is for the rows, not for a connection
            gate.wait(timeout=30)
            return act()
        except (RuleViolation, ObjectDoesNotExist) as refused:
            return refused
        finally:
            connection.close()

    turns = [acts[n % len(acts)] for n in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        outcomes = list(pool.map(run, turns))
    return [outcomes[n :: len(acts)] for n in range(len(acts))]


def refused(outcomes: Sequence[object]) -> list[RuleViolation]:
    """Those of the outcomes that a rule refused."""
    return [one for one in outcomes if isinstance(one, RuleViolation)]


def granted(outcomes: Sequence[object], kind: type[T]) -> list[T]:
    """Those of the outcomes that came through, as what the service gives back."""
    return [one for one in outcomes if isinstance(one, kind)]


def deadlocks() -> int:
    """How many deadlocks the server has found in this database since it began."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
