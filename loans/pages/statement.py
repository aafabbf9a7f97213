"""对账单 as page, CSV, XLSX and PDF: the same lines of the same period."""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from loans.models import Loan
from loans.pages._common import download, own_loan, spreadsheet
from loans.pages.forms import PeriodForm
from loans.presenters import booked, papers
from loans.presenters.exports import Format
from loans.queries.debt import load_debt
from loans.queries.statement import corrections_of, load_statement
from loans.queries.types import Statement
from portal.core import clock
from portal.core.documents import pdf
from portal.core.lender import lender
from portal.core.web.access import borrower_only, costly


@require_GET
@borrower_only
def statement(request: HttpRequest, loan: str) -> HttpResponse:
    """Every posting with its reason, between opening and closing balance."""
    visitor_loan = own_loan(request, loan)
    form, shown = _asked(request, visitor_loan)
    debt = load_debt(visitor_loan, clock.today())
    context = {
        "loan": visitor_loan,
        "form": form,
        "statement": shown,
        "events": booked.events(shown),
        "corrections": corrections_of(visitor_loan),
        "debt": debt,
        "is_today": shown.to_on == debt.as_of,
        "unbooked": papers.unbooked(shown, debt),
    }
    status = 200 if form.is_valid() else 422
    return render(request, "loans/papers/statement.html", context, status=status)


@require_GET
@borrower_only
@costly
def statement_table(request: HttpRequest, loan: str, kind: Format) -> HttpResponse:
    """The same lines for a spreadsheet; a wrong period goes back to the page that says so."""
    visitor_loan = own_loan(request, loan)
    form, shown = _asked(request, visitor_loan)
    if not form.is_valid():
        return _back(request, visitor_loan)
    return spreadsheet(papers.statement_table(visitor_loan, shown), kind)


@require_GET
@borrower_only
@costly
def statement_pdf(request: HttpRequest, loan: str) -> HttpResponse:
    """The same lines on paper."""
    visitor_loan = own_loan(request, loan)
    form, shown = _asked(request, visitor_loan)
    if not form.is_valid():
        return _back(request, visitor_loan)
    paper = papers.statement_paper(visitor_loan, shown, load_debt(visitor_loan, clock.today()))
    content = pdf.render_statement(paper, author=lender().name)
    return download(
        content, kind="application/pdf", name=f"{papers.statement_name(visitor_loan, shown)}.pdf"
    )


def _asked(request: HttpRequest, loan: Loan) -> tuple[PeriodForm, Statement]:
    """The period asked for; from the drawdown to today where nothing sensible was."""
    today = clock.today()
    form = PeriodForm(request.GET, first=loan.drawdown_on, today=today)
    from_on: date | None = None
    to_on: date = today
    if form.is_valid():
        from_on, to_on = form.cleaned_data["from_on"], form.cleaned_data["to_on"] or today
    return form, load_statement(loan, from_on, to_on)


def _back(request: HttpRequest, loan: Loan) -> HttpResponse:
    page = reverse("loans:statement", args=[loan.public_id])
    return redirect(f"{page}?{request.GET.urlencode()}")
