"""Takes a database of an older version to this one, and says what is wrong with it then.

    python -m tests.upgrade.upgrade tests/upgrade/7750afb.json

Runs in a process of its own on an empty database (DATABASE_URL) and an empty PRIVATE_ROOT: the
tables are made as they were, the rows put in as they were, then `migrate`, the two proofs, and
pages of the whole cast.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.upgrade.dump import booked

PAGES = ("/me/", "/me/notices/", "/me/settings/", "/jiebei/", "/relief/", "/service/")


def load(previous: dict[str, Any]) -> None:
    """The old tables with the old rows, by the models as the old migrations describe them.

    The signal behind a migration makes Django's own lists: content types and permissions.
    """
    from django.core.management.color import no_style
    from django.core.management.sql import emit_post_migrate_signal
    from django.db import connection, transaction
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    state = executor.migrate([tuple(leaf) for leaf in previous["migrations"]])
    apps = state.apps
    emit_post_migrate_signal(0, False, connection.alias, apps=apps, plan=[])
    with transaction.atomic(), connection.cursor() as cursor:
        for label, table in previous["tables"].items():
            model = apps.get_model(label)
            fields = {field.attname: field for field in model._meta.concrete_fields}
            columns = [fields[name] for name in table["fields"]]
            quoted = ", ".join(connection.ops.quote_name(field.column) for field in columns)
            marks = ", ".join(["%s"] * len(columns))
            name = connection.ops.quote_name(model._meta.db_table)
            sql = f"INSERT INTO {name} ({quoted}) VALUES ({marks})"
            for row in table["rows"]:
                values = [
                    field.get_db_prep_save(field.to_python(value), connection)
                    for field, value in zip(columns, row, strict=True)
                ]
                cursor.execute(sql, values)
        models = [apps.get_model(label) for label in previous["tables"]]
        for sql in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(sql)


def put_files(files: dict[str, str]) -> None:
    from django.conf import settings

    for key, content in files.items():
        path = Path(settings.PRIVATE_ROOT) / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(content))


def faults(previous: dict[str, Any]) -> list[str]:
    """What the proofs say, every debt that is another one, every page that does not open."""
    from django.core.management import CommandError, call_command

    from loans.models import Loan
    from loans.queries.debt import load_debt
    from portal.core import clock

    now = datetime.fromisoformat(previous["seeded"])

    found: list[str] = []
    with clock.frozen(now):
        for proof in ("check_books", "verify_invariants"):
            try:
                call_command(proof, stdout=sys.stderr, stderr=sys.stderr)
            except (CommandError, SystemExit) as refused:
                found.append(f"{proof}: {refused}")
        owed = {loan.number: booked(load_debt(loan, now.date())) for loan in Loan.objects.all()}
        found += [
            f"loan {number}: {previous['owed'].get(number)} was owed, now {amount}"
            for number, amount in owed.items()
            if previous["owed"].get(number) != amount
        ]
        found += _pages_that_fail()
    return found + _names_left_behind()


def _names_left_behind() -> list[str]:
    """Content types and permissions of models that are called otherwise now."""
    from django.apps import apps
    from django.contrib.auth.models import Permission

    labels = {model._meta.label_lower for model in apps.get_models(include_auto_created=True)}
    return [
        f"permission {row.codename} of {row.content_type}"
        for row in Permission.objects.select_related("content_type")
        if f"{row.content_type.app_label}.{row.content_type.model}" not in labels
        or not row.codename.endswith(f"_{row.content_type.model}")
    ]


def _pages_that_fail() -> list[str]:
    from django.test import Client

    from loans.models import Loan
    from portal.core.models import User
    from relief.cases.models import Case

    found = []
    for user in User.objects.order_by("pk"):
        client = Client(raise_request_exception=False)
        client.force_login(user)
        paths = list(PAGES) if user.is_borrower else ["/admin/", "/admin/relief/case/"]
        for loan in Loan.objects.filter(borrower=user):
            begin = f"/jiebei/{loan.public_id}/"
            paths += [begin, *(f"{begin}{part}/" for part in ("penalty", "repay", "statement"))]
            paths += [f"{begin}settled/", f"{begin}statement.pdf"]
        for case in Case.objects.filter(borrower=user):
            begin = f"/relief/{case.public_id}/"
            signed = ("plan/", "agreement/") if case.agreements.exists() else ()
            paths += [begin, *(f"{begin}{part}" for part in signed)]
            paths += [f"{begin}offers/{offer.number}/" for offer in case.offers.all()]
        if user.username == "supervisor":
            paths += [f"/admin/relief/case/{case.pk}/change/" for case in Case.objects.all()]
        for path in paths:
            status = client.get(path).status_code
            if status not in (200, 302):
                found.append(f"{path} as {user.username}: {status}")
    return found


def main(source: str) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    setup_test_environment()
    previous = json.loads(Path(source).read_text(encoding="utf-8"))
    load(previous)
    put_files(previous["files"])
    call_command("migrate", verbosity=0)
    found = faults(previous)
    for line in found:
        sys.stdout.write(line + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
