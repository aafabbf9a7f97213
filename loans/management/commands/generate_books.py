"""manage.py generate_books: very many overdue loans for measurements, in an empty database only."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from loans.bulk import generate_books
from portal.core.errors import RuleViolation


class Command(BaseCommand):
    help = "Fill an empty database with overdue loans for measurements."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("count", type=int, help="at least so many loans")
        parser.add_argument("--as-of", type=date.fromisoformat, default=date(2026, 11, 20))
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["count"] < 1:
            raise CommandError("count must be at least 1")
        try:
            loan_count = generate_books(
                count=options["count"],
                as_of=options["as_of"],
                seed=options["seed"],
                report=self.stdout.write,
            )
        except RuleViolation as refused:
            raise CommandError(refused.message) from refused
        self.stdout.write(f"{loan_count} loans, overdue as of {options['as_of']}")
