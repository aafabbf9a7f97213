"""The database's own refusal to change rows that are written once, on PostgreSQL and on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

# PostgreSQL has one function a package, made by the package's first migration of triggers.
SQLITE = """
CREATE TRIGGER {table}_{event} BEFORE {event} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} rows are append-only'); END
"""
POSTGRES = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {function}()
"""


def refuse_on_sqlite(schema_editor: Any, *tables: str) -> None:
    """For a migration: no UPDATE and no DELETE of these tables' rows.

    Django makes a table anew to alter it on SQLite, and its triggers go with the old one: a
    migration that alters one of these tables calls this again (a test sees to it).
    """
    if schema_editor.connection.vendor != "sqlite":
        return
    for table in tables:
        for event in ("UPDATE", "DELETE"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_{event}", params=None)
            schema_editor.execute(SQLITE.format(table=table, event=event), params=None)


def refuse_on_postgres(schema_editor: Any, function: str, *tables: str) -> None:
    """For a migration: the same by `function`, which raises; nothing on SQLite."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in tables:
        schema_editor.execute(POSTGRES.format(table=table, function=function), params=None)


@contextmanager
def lifted() -> Iterator[None]:
    """Without SQLite's triggers inside, for emptying a demo: it has no TRUNCATE that passes them by.

    Inside a transaction, so that nobody else ever sees the tables without them.
    """
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f'DROP TRIGGER "{name}"')
        yield
        for _, sql in triggers:
            cursor.execute(sql)
