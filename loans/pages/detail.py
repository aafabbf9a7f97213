"""One loan: its 还款计划 now and before, and its due dates as a calendar."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from loans.pages._common import download, own_loan
from loans.presenters import calendar, history
from loans.presenters.amounts import penalty_all
from loans.presenters.loan import loan_card, plan_lines
from loans.presenters.origins import origins
from loans.queries.debt import debt_of, dropped_instalments, load_debt
from loans.queries.position import load_position
from loans.queries.stage import stage_of
from portal.core import clock
from portal.core.web.access import borrower_only

SHOWN = 6  # rows before 展开


@require_GET
@borrower_only
def detail(request: HttpRequest, loan: str) -> HttpResponse:
    """Every instalment with its state; what a plan replaced stays readable."""
    visitor_loan = own_loan(request, loan)
    today = clock.today()
    books = load_position(visitor_loan)
    debt = debt_of(books, today)
    rows = plan_lines(debt)
    stage = stage_of(visitor_loan, debt)
    shown = max(SHOWN, next((n for n, row in enumerate(rows, 2) if row.state == "next"), 0))
    context = {
        "loan": visitor_loan,
        "debt": debt,
        "stage": stage,
        "card": loan_card(visitor_loan, debt, stage),
        "plan": history.plan_terms(books, debt),
        "broken": history.broken_plan(books, today),
        "rows": rows[:shown],
        "more_rows": rows[shown:],
        "penalty_all": penalty_all(debt),
        "origins": origins(books, debt),
        "old_schedules": history.old_schedules(books, today),
    }
    return render(request, "loans/schedule/detail.html", context)


@require_GET
@borrower_only
def due_dates(request: HttpRequest, loan: str) -> HttpResponse:
    """The due dates for the calendar of a phone: unpaid ones, and those to take off it."""
    visitor_loan = own_loan(request, loan)
    debt = load_debt(visitor_loan, clock.today())
    dropped = dropped_instalments(visitor_loan, debt)
    content = calendar.due_dates(visitor_loan, debt, dropped, clock.now())
    return download(
        content, kind="text/calendar; charset=utf-8", name=f"due-dates-{visitor_loan.public_id}.ics"
    )
