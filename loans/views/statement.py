"""对账单 as page, CSV and PDF."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from loans import queries
from loans.presenters import papers
from loans.views._common import download, own_loan
from portal import clock, pdf
from portal.access import borrower_only


@require_GET
@borrower_only
def statement(request: HttpRequest, loan: str) -> HttpResponse:
    """Every posting with its reason, between opening and closing balance."""
    own = own_loan(request, loan)
    context = {
        "loan": own,
        "statement": queries.statement(own),
        "corrections": queries.corrections(own),
        "debt": queries.debt(own, clock.today()),
    }
    return render(request, "loans/statement.html", context)


@require_GET
@borrower_only
def statement_csv(request: HttpRequest, loan: str) -> HttpResponse:
    """The same lines for a spreadsheet."""
    own = own_loan(request, loan)
    content = papers.statement_csv(queries.statement(own))
    return download(content, kind="text/csv; charset=utf-8", name=f"statement-{own.public_id}.csv")


@require_GET
@borrower_only
def statement_pdf(request: HttpRequest, loan: str) -> HttpResponse:
    """The same lines on paper."""
    own = own_loan(request, loan)
    paper = papers.statement_paper(own, queries.statement(own), clock.today())
    content = pdf.render_statement(*paper)
    return download(content, kind="application/pdf", name=f"statement-{own.public_id}.pdf")
