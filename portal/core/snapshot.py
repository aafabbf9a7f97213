"""One moment of the database for many queries, without holding up whoever writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def snapshot() -> Iterator[None]:
    """PostgreSQL: REPEATABLE READ and READ ONLY. SQLite: a deferred transaction, whose first read
    fixes what it sees (the default of this project, IMMEDIATE, would lock out every writer).

    Inside a transaction that is already open it takes part in that one.
    """
    if connection.in_atomic_block:
        yield
        return
    if connection.vendor == "sqlite":
        with _deferred(), transaction.atomic():
            yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
        yield


@contextmanager
def _deferred() -> Iterator[None]:
    """SQLite's transactions begin without the write lock."""
    connection.ensure_connection()
    before = connection.transaction_mode  # type: ignore[attr-defined]  # SQLite's alone has it
    connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]  # likewise
    try:
        yield
    finally:
        connection.transaction_mode = before  # type: ignore[attr-defined]  # likewise
