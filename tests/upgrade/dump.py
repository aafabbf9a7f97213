"""Writes the seeded demo of this version as text, for the test of the next version's migrations.

    DEMO=1 python -m tests.upgrade.dump > tests/upgrade/<version>.json

An empty database is made in a temporary folder; the papers of the cast are tiny ones. One row is
one line, so that a difference between two versions can be read.
"""

from __future__ import annotations

import base64
import io
import json
import os
import sys
import tempfile
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

SEEDED = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
LEFT_OUT = {"contenttypes", "auth", "admin", "sessions"}  # Django's own lists
FILLED_BY_MIGRATION = {"portal.WorkDay"}


def dump() -> dict[str, Any]:
    """Migrations in force, rows by table (columns once), and the private files."""
    from django.apps import apps
    from django.core.serializers.json import DjangoJSONEncoder
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    tables: dict[str, Any] = {}
    for model in apps.get_models(include_auto_created=True):
        label = model._meta.label
        if model._meta.app_label in LEFT_OUT or label in FILLED_BY_MIGRATION:
            continue
        fields = list(model._meta.concrete_fields)
        rows = [
            [_plain(field.value_from_object(row), DjangoJSONEncoder) for field in fields]
            for row in model._base_manager.order_by("pk")
        ]
        if rows:
            names = [field.attname for field in fields]
            tables[label] = {"fields": names, "rows": rows}
    from loans.models import Loan
    from loans.queries.debt import load_debt

    leaves = MigrationLoader(connection).graph.leaf_nodes()
    owed = {loan.number: booked(load_debt(loan, SEEDED.date())) for loan in Loan.objects.all()}
    return {
        "seeded": SEEDED.isoformat(),
        "migrations": sorted(leaves),
        "owed": owed,
        "tables": tables,
    }


def booked(owed: Any) -> str:
    """What no later rule can change: principal, interest and the columns that a plan keeps."""
    return str(owed.principal + owed.interest + owed.kept_interest + owed.kept_penalty)


def _plain(value: Any, encoder: type[json.JSONEncoder]) -> Any:
    return json.loads(json.dumps(value, cls=encoder))


def tiny_photo(name: str, title: str, lines: Any) -> Any:
    """A grey picture of a few bytes in place of a drawn paper."""
    from PIL import Image

    from relief.evidence.files import Upload

    made = io.BytesIO()
    Image.new("L", (64, 64), len(title) * 9 % 256).save(made, "PNG")
    return Upload(name.rpartition(".")[0] + ".png", io.BytesIO(made.getvalue()))


def write(result: dict[str, Any], files: dict[str, str], out: Any) -> None:
    """JSON with a row a line."""
    out.write("{\n")
    for key in ("seeded", "migrations", "owed"):
        out.write(f'"{key}": {json.dumps(result[key])},\n')
    out.write(f'"files": {json.dumps(files)},\n"tables": {{\n')
    for number, (label, table) in enumerate(result["tables"].items()):
        out.write(
            (",\n" if number else "") + f'"{label}": {{"fields": {json.dumps(table["fields"])},'
        )
        rows = ",\n".join(
            json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in table["rows"]
        )
        out.write(f' "rows": [\n{rows}\n]}}')
    out.write("\n}}\n")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/db.sqlite3"
        os.environ["PRIVATE_ROOT"] = f"{folder}/private"
        os.environ["DEMO"] = "1"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
        import django

        django.setup()
        from django.core.management import call_command

        from portal.core import clock
        from portal.core.storage import private
        from portal.site.demo import papers, seed

        papers.photo = tiny_photo  # type: ignore[assignment]
        papers.paper = lambda name, title, *_: tiny_photo(name, title, ())  # type: ignore[assignment]
        call_command("migrate", verbosity=0)
        with clock.frozen(SEEDED):
            seed.seed(now=SEEDED)
        files = {
            key: base64.b64encode(private.open(key).read(10**6)).decode()
            for key in sorted(private.keys())
        }
        write(dump(), files, sys.stdout)


if __name__ == "__main__":
    main()
