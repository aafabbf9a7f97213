"""manage.py portfolio: the portfolio of a date by bucket and class, or loan by loan, flat in memory."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import CommandError, CommandParser

from loans.management.exporting import ExportCommand
from loans.models import BookExport
from loans.presenters.portfolio import counted_cells, loans_table, portfolio_table, view_of
from loans.queries.journal import Period
from loans.queries.portfolio import cells_of, each_loan
from loans.services.portfolio import risk_rules
from portal.core import clock


class Command(ExportCommand):
    help = "Write the portfolio as of a date; nothing is kept but the note of the file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--as-of", type=date.fromisoformat, help="today where none is named")
        parser.add_argument("--loans", action="store_true", help="loan by loan")
        self.add_file_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        as_of, rules = options["as_of"] or clock.today(), risk_rules()
        if as_of > clock.today():
            raise CommandError("--as-of must not be after today")
        period, loans = Period(as_of, as_of), each_loan(as_of)
        if options["loans"]:
            table = loans_table(counted_cells(loans, rules), as_of)
            self.deliver(table, BookExport.Content.PORTFOLIO_LOANS, period, options)
            return
        view = view_of(cells_of(loans, rules), rules)
        table = portfolio_table(view, as_of)
        self.deliver(table, BookExport.Content.PORTFOLIO, period, options)
        self.stdout.write(f"{view.total.loans} loans, {view.total.total} owed")
