"""manage.py export_journal: every posting of a period, or the ledger of one loan, as CSV or XLSX."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from loans.management.exporting import ExportCommand
from loans.models import BookExport
from loans.presenters.accounts import journal_table
from loans.queries.chart import chart_of_accounts
from loans.queries.journal import journal


class Command(ExportCommand):
    help = "Write the general ledger of a period (or of one loan), flat in memory."

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_period_arguments(parser)
        self.add_file_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        period, chart = self.period(options), chart_of_accounts()
        content = BookExport.Content.LOAN_LEDGER if period.loan else BookExport.Content.JOURNAL
        table = journal_table(journal(period), period, chart)
        self.deliver(table, content, period, options)
