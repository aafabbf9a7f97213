"""协商协议: the agreement's text, the check that it is unchanged, and its PDF."""

from __future__ import annotations

from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from loans.queries.debt import load_debt
from portal.core import clock
from portal.core.documents import papers as documents
from portal.core.documents.blocks import blocks_of
from portal.core.errors import RuleViolation
from portal.core.web.access import borrower_only, costly
from relief.cases.queries import agreement_of
from relief.offers.agreement import TITLE, is_untouched
from relief.offers.models import Agreement
from relief.pages._own import own_case, own_offer
from relief.presenters.agreement import draft_text
from relief.presenters.offer import offer_view


@require_safe
@borrower_only
def draft(request: HttpRequest, case: str, number: int) -> HttpResponse:
    """The text that accepting an offer would put in force, to read before the tick."""
    visitor_case = own_case(request, case)
    offer = own_offer(visitor_case, number)
    debt = load_debt(visitor_case.loan, clock.today())
    context = {
        "case": visitor_case,
        "view": offer_view(offer, clock.now()),
        "blocks": blocks_of(draft_text(visitor_case, offer, debt, clock.now())),
    }
    return render(request, "relief/offers/agreement_draft.html", context)


def _own_agreement(request: HttpRequest, public_id: str) -> Agreement:
    signed = agreement_of(own_case(request, public_id))
    if signed is None:
        raise Http404
    return signed


@require_safe
@borrower_only
def agreement(request: HttpRequest, case: str) -> HttpResponse:
    """The receipt of the acceptance and the text, with a check that nothing was touched."""
    signed = _own_agreement(request, case)
    context = {
        "case": signed.case,
        "agreement": signed,
        "view": offer_view(signed.offer, clock.now()),
        "intact": is_untouched(signed),
        "blocks": blocks_of(signed.text.removeprefix(f"{TITLE}\n")),
    }
    return render(request, "relief/offers/agreement.html", context)


@require_safe
@borrower_only
@costly
def pdf(request: HttpRequest, case: str) -> HttpResponse:
    """The same paper to keep; refused with 409 when what is stored was tampered with."""
    signed = _own_agreement(request, case)
    try:
        if not is_untouched(signed):
            raise RuleViolation(documents.DAMAGED, code="damaged")
        content = documents.pdf_bytes(signed.document)
    except RuleViolation as problem:
        context = {"case": signed.case, "message": problem.message}
        return render(request, "relief/cases/case_refused.html", context, status=409)
    name = quote(signed.document.file_name)
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={
            "Content-Disposition": (
                f"attachment; filename=\"{signed.number}.pdf\"; filename*=UTF-8''{name}"
            )
        },
    )
