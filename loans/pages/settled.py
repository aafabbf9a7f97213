"""结清: what the loan cost in the end, and its certificate."""

from __future__ import annotations

from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from loans.pages._common import download, own_loan
from loans.presenters import history
from loans.queries.debt import debt_of
from loans.queries.papers import certificate_of
from loans.queries.position import load_position
from loans.queries.statement import payments_of
from portal.core import clock
from portal.core.documents import papers as documents
from portal.core.web.access import borrower_only, costly


@require_GET
@borrower_only
def settled(request: HttpRequest, loan: str) -> HttpResponse:
    """A settled loan's summary; before that, the amount that would settle it today."""
    visitor_loan = own_loan(request, loan)
    books = load_position(visitor_loan)
    if not visitor_loan.is_settled:
        debt = debt_of(books, clock.today())
        return render(
            request, "loans/papers/not_settled.html", {"loan": visitor_loan, "debt": debt}
        )
    payments = payments_of(visitor_loan)
    context = {
        "loan": visitor_loan,
        "sums": history.life_sums(books, payments),
        "certificate": certificate_of(visitor_loan),
        "milestones": history.milestones(visitor_loan, books, payments),
        "payments": payments,
    }
    return render(request, "loans/papers/settled.html", context)


@require_GET
@borrower_only
@costly
def certificate(request: HttpRequest, loan: str) -> HttpResponse:
    """结清证明 as PDF, made again from its snapshot when its file is missing."""
    paper = certificate_of(own_loan(request, loan))
    if paper is None:
        raise Http404
    response = download(documents.pdf_bytes(paper), kind="application/pdf", name="certificate.pdf")
    name = quote(paper.file_name)
    response["Content-Disposition"] = (
        f"attachment; filename=\"certificate.pdf\"; filename*=UTF-8''{name}"
    )
    return response
