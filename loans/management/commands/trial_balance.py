"""manage.py trial_balance: opening, moved and closing of every account; exit 1 if it does not balance."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from loans.management.exporting import ExportCommand
from loans.models import BookExport
from loans.presenters.accounts import balance_lines, balance_table, balance_totals, is_balanced
from loans.queries.chart import chart_of_accounts
from loans.queries.journal import trial_balance


class Command(ExportCommand):
    help = "Write the trial balance of a period (or of one loan)."

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_period_arguments(parser)
        self.add_file_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        period = self.period(options)
        lines = balance_lines(trial_balance(period), chart_of_accounts())
        table = balance_table(lines, period)
        self.deliver(table, BookExport.Content.TRIAL_BALANCE, period, options)
        totals = balance_totals(lines)
        for words, debit, credit in zip(
            ("opening", "moved", "closing"), totals[::2], totals[1::2], strict=True
        ):
            self.stdout.write(f"{words}: debit {debit}, credit {credit}")
        if not is_balanced(totals):
            self.stderr.write("the trial balance does not balance: run check_books")
            sys.exit(1)
