"""Takes the demo back to its beginning: empties the tables and the private files, resets the clock."""

from __future__ import annotations

from functools import partial

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, transaction

from portal.core.calendar.days import seed_calendar
from portal.core.storage import private
from portal.core.trail import row_triggers
from portal.site.demo.seed import check_demo

# Django's own lists of models and permissions: made by migrate, they say nothing about people.
KEPT = frozenset({"contenttypes.ContentType", "auth.Permission"})


def wipe() -> None:
    """Empty every table of the product, append-only ones too, and remove the private files.

    The database's own emptying is used (TRUNCATE on PostgreSQL), which no row trigger and no
    model sees; SQLite's triggers are lifted for it. The chain of the trail begins anew with them. RuleViolation outside DEMO or with real people in the database.
    """
    check_demo()
    keys = list(private.keys())
    with transaction.atomic():
        statements = connection.ops.sql_flush(no_style(), tables(), reset_sequences=True)
        with row_triggers.lifted():
            connection.ops.execute_sql_flush(statements)
        seed_calendar()
        transaction.on_commit(partial(_remove, keys))


def _remove(keys: list[str]) -> None:
    for key in keys:
        private.delete(key)


def tables() -> list[str]:
    """The tables of all installed models but Django's own lists, links between models included."""
    models = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.label not in KEPT
    ]
    return sorted({model._meta.db_table for model in models})
