"""The database's own refusal to change rows that stay as written, on PostgreSQL and on SQLite.

Which rows these are, and what may be added to them, the models say (portal/core/models/append_only.py).
PostgreSQL's triggers are made by migrations and stay. SQLite's are made by `migrate` after its
migrations, from the models: Django makes a table anew to alter it there, and its triggers go with the
old one. While migrations run there are none, so that they may put old rows in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection, transaction

from portal.core.models.append_only import Kept

SQLITE = """
CREATE TRIGGER {table}_{event} BEFORE {event} ON {table} {condition}
BEGIN SELECT RAISE(ABORT, '{table} rows are append-only'); END
"""
# One function a package refuses everything; portal_keep_row() lets the columns change that it is given.
POSTGRES = """
DROP TRIGGER IF EXISTS {table}_append_only ON {table};
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {function}({columns})
"""

# The working-day calendar is kept in memory by the mark of its version, which no writer may forget.
RENEW = """
DELETE FROM portal_calendarversion;
INSERT INTO portal_calendarversion (id, mark) VALUES (1, lower(hex(randomblob(16))))
"""
RENEWING_ON_SQLITE = {
    f"portal_workday_{event.lower()}_renews": (
        f"CREATE TRIGGER portal_workday_{event.lower()}_renews AFTER {event} ON portal_workday"
        f"\nBEGIN {RENEW.strip()}; END"
    )
    for event in ("INSERT", "UPDATE", "DELETE")
}
RENEWING_ON_POSTGRES = """
CREATE OR REPLACE FUNCTION portal_renew_calendar() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO portal_calendarversion (id, mark) VALUES (1, gen_random_uuid()::text)
        ON CONFLICT (id) DO UPDATE SET mark = EXCLUDED.mark;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS portal_workday_renews ON portal_workday;
CREATE TRIGGER portal_workday_renews AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON portal_workday
    FOR EACH STATEMENT EXECUTE FUNCTION portal_renew_calendar();
"""


def refuse_on_sqlite(schema_editor: Any, *tables: str) -> None:
    """What migrations did until `migrate` came to do it by itself: no UPDATE and no DELETE."""
    if schema_editor.connection.vendor != "sqlite":
        return
    for table in tables:
        for event in ("UPDATE", "DELETE"):
            statement = SQLITE.format(table=table, event=event, condition="")
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_{event}", params=None)
            schema_editor.execute(statement, params=None)


def refuse_on_postgres(
    schema_editor: Any, function: str, *tables: str, may_change: tuple[str, ...] = ()
) -> None:
    """For a migration: the same by `function`, which raises; nothing on SQLite."""
    if schema_editor.connection.vendor != "postgresql":
        return
    columns = ", ".join(f"'{column}'" for column in may_change)
    for table in tables:
        statement = POSTGRES.format(table=table, function=function, columns=columns)
        schema_editor.execute(statement, params=None)


def kept_models() -> list[type[Kept]]:
    """Every model whose rows stay as written."""
    return [model for model in apps.get_models() if issubclass(model, Kept)]


def make_way(plan: Any = (), **signal: Any) -> None:
    """Before migrations: SQLite's triggers go, if there is anything to migrate."""
    if plan and connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for name in _triggers(cursor):
                cursor.execute(f'DROP TRIGGER "{name}"')


def keep_rows(**signal: Any) -> None:
    """After migrations: SQLite has the triggers that the models ask for, and no others.

    What was written while there were none counts as a new version of the calendar.
    """
    if connection.vendor != "sqlite":
        return
    with transaction.atomic(), connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        wanted = {
            name: sql
            for model in kept_models()
            if model._meta.db_table in tables
            for name, sql in _statements(cursor, model)
        }
        if "portal_calendarversion" in tables:
            wanted |= RENEWING_ON_SQLITE
        there = _triggers(cursor)
        if RENEWING_ON_SQLITE.keys() & wanted.keys() - there.keys():
            renew_on_sqlite(cursor)
        for name in there:
            if wanted.get(name) != there[name]:
                cursor.execute(f'DROP TRIGGER "{name}"')
        for name, sql in wanted.items():
            if there.get(name) != sql:
                cursor.execute(sql)


def renew_on_sqlite(cursor: Any) -> None:
    """A new version of the working-day calendar, as its triggers would make one."""
    for statement in RENEW.split(";"):
        cursor.execute(statement)


def _triggers(cursor: Any) -> dict[str, str]:
    """SQLite's, statement by name."""
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    return dict(cursor.fetchall())


def _statements(cursor: Any, model: type[Kept]) -> Iterator[tuple[str, str]]:
    """SQLite's triggers of a model, for the columns that its table has now."""
    table = model._meta.db_table
    columns = [one.name for one in connection.introspection.get_table_description(cursor, table)]
    may_change = {field.column for field in model._meta.fields if field.name in model.MAY_CHANGE}
    set_once = {field.column for field in model._meta.fields if field.name in model.SET_ONCE}
    changes = [f'OLD."{c}" IS NOT NEW."{c}"' for c in columns if c not in may_change]
    changes += [
        f'(OLD."{c}" IS NOT NULL AND OLD."{c}" IS NOT NEW."{c}")' for c in columns if c in set_once
    ]
    # Rows that nothing becomes of are not even written over with what they have.
    condition = f"WHEN {' OR '.join(changes)}" if may_change else ""
    for event, when in (("UPDATE", condition), ("DELETE", "")):
        statement = SQLITE.format(table=table, event=event, condition=when)
        yield f"{table}_{event}", statement.strip()


@contextmanager
def lifted() -> Iterator[None]:
    """Without SQLite's triggers inside, for emptying a demo: it has no TRUNCATE that passes them by.

    Inside a transaction, so that nobody else ever sees the tables without them.
    """
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        triggers = _triggers(cursor)
        for name in triggers:
            cursor.execute(f'DROP TRIGGER "{name}"')
        yield
        if RENEWING_ON_SQLITE.keys() & triggers.keys():
            renew_on_sqlite(cursor)
        for sql in triggers.values():
            cursor.execute(sql)
