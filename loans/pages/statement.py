"""对账单 as page, CSV and PDF: the same lines of the same period."""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from loans import queries
from loans.models import Loan
from loans.pages._common import download, own_loan
from loans.pages.forms import PeriodForm
from loans.presenters import booked, papers
from loans.queries.types import Statement
from portal.core import clock
from portal.core.access import borrower_only, costly
from portal.core.documents import pdf


@require_GET
@borrower_only
def statement(request: HttpRequest, loan: str) -> HttpResponse:
    """Every posting with its reason, between opening and closing balance."""
    own = own_loan(request, loan)
    form, told = _asked(request, own)
    debt = queries.debt(own, clock.today())
    context = {
        "loan": own,
        "form": form,
        "statement": told,
        "events": booked.events(told),
        "corrections": queries.corrections(own),
        "debt": debt,
        "is_today": told.to_on == debt.as_of,
        "unbooked": papers.unbooked(told, debt),
    }
    status = 200 if form.is_valid() else 422
    return render(request, "loans/papers/statement.html", context, status=status)


@require_GET
@borrower_only
@costly
def statement_csv(request: HttpRequest, loan: str) -> HttpResponse:
    """The same lines for a spreadsheet; a wrong period goes back to the page that says so."""
    own = own_loan(request, loan)
    form, told = _asked(request, own)
    if not form.is_valid():
        return _back(request, own)
    content = papers.statement_csv(told)
    return download(content, kind="text/csv; charset=utf-8", name=f"{_name(own, told)}.csv")


@require_GET
@borrower_only
@costly
def statement_pdf(request: HttpRequest, loan: str) -> HttpResponse:
    """The same lines on paper."""
    own = own_loan(request, loan)
    form, told = _asked(request, own)
    if not form.is_valid():
        return _back(request, own)
    paper = papers.statement_paper(own, told, queries.debt(own, clock.today()))
    content = pdf.render_statement(*paper)
    return download(content, kind="application/pdf", name=f"{_name(own, told)}.pdf")


def _asked(request: HttpRequest, loan: Loan) -> tuple[PeriodForm, Statement]:
    """The period asked for; from the drawdown to today where nothing sensible was."""
    today = clock.today()
    form = PeriodForm(request.GET, first=loan.drawdown_on, today=today)
    from_on: date | None = None
    to_on: date = today
    if form.is_valid():
        from_on, to_on = form.cleaned_data["from_on"], form.cleaned_data["to_on"] or today
    return form, queries.statement(loan, from_on, to_on)


def _name(loan: Loan, told: Statement) -> str:
    return f"statement-{loan.public_id}-{told.from_on}-{told.to_on}"


def _back(request: HttpRequest, loan: Loan) -> HttpResponse:
    page = reverse("loans:statement", args=[loan.public_id])
    return redirect(f"{page}?{request.GET.urlencode()}")
