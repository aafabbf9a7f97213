"""What the commands that write a file from the books share: their options, the file, the audit row."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from loans.models import Loan
from loans.presenters.exports import ExportTable, Format, write
from loans.queries.journal import Period
from loans.services.acts.accounting import log_export
from portal.core import clock
from portal.core.snapshot import snapshot


class ExportCommand(BaseCommand):
    """Writes a table whole or not at all, then notes it."""

    def add_file_arguments(self, parser: ArgumentParser) -> None:
        kinds = [kind.value for kind in Format]
        parser.add_argument("--format", choices=kinds, default=Format.CSV.value)
        parser.add_argument("--output", type=Path, help="file to write; here, by its own name")

    def add_period_arguments(self, parser: ArgumentParser) -> None:
        day = date.fromisoformat
        parser.add_argument("--from", dest="from_on", type=day, required=True, help="first day")
        parser.add_argument("--to", dest="to_on", type=day, required=True, help="last day")
        parser.add_argument("--loan", help="only this one (借据编号)")

    def period(self, options: dict[str, Any]) -> Period:
        """The period asked for; CommandError where it cannot be."""
        if options["from_on"] > options["to_on"]:
            raise CommandError("--to must not be before --from")
        loan = None
        if options["loan"]:
            loan = Loan.objects.filter(number=options["loan"]).first()
            if loan is None:
                raise CommandError(f"no loan {options['loan']}")
        return Period(options["from_on"], options["to_on"], loan)

    def deliver(
        self, table: ExportTable, content: str, period: Period, options: dict[str, Any]
    ) -> None:
        kind = Format(options["format"])
        path: Path = options["output"] or Path(table.file_name(kind))
        part = path.with_name(f"{path.name}.part")
        try:
            with snapshot(), part.open("wb") as file:
                row_count = write(table, kind, file)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        log_export(
            content=content,
            format=kind,
            period=period,
            row_count=row_count,
            actor=None,
            now=clock.now(),
        )
        self.stdout.write(f"{row_count} rows: {path}")
