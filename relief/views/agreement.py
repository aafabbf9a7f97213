"""协商协议: the paper that an acceptance made, its proof, and its PDF."""

from __future__ import annotations

from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal import clock
from portal.access import borrower_only
from portal.errors import RuleViolation
from portal.services import documents
from relief.models import Agreement
from relief.presenters_offer import offer_view
from relief.queries import agreement_of
from relief.services.agreement import is_untouched
from relief.views._own import own_case


def _own_agreement(request: HttpRequest, public_id: str) -> Agreement:
    found = agreement_of(own_case(request, public_id))
    if found is None:
        raise Http404
    return found


@require_safe
@borrower_only
def agreement(request: HttpRequest, case: str) -> HttpResponse:
    """The receipt of the acceptance and the text, with a check that nothing was touched."""
    found = _own_agreement(request, case)
    context = {
        "case": found.case,
        "agreement": found,
        "view": offer_view(found.offer, clock.now()),
        "intact": is_untouched(found),
        "lines": found.text.split("\n"),
    }
    return render(request, "relief/agreement.html", context)


@require_safe
@borrower_only
def pdf(request: HttpRequest, case: str) -> HttpResponse:
    """The same paper to keep; refused with 409 when what is stored was tampered with."""
    found = _own_agreement(request, case)
    try:
        if not is_untouched(found):
            raise RuleViolation(documents.DAMAGED, code="damaged")
        content = documents.pdf_bytes(found.document)
    except RuleViolation as problem:
        context = {"case": found.case, "message": problem.message}
        return render(request, "relief/case_refused.html", context, status=409)
    name = quote(found.document.file_name)
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={
            "Content-Disposition": (
                f"attachment; filename=\"{found.number}.pdf\"; filename*=UTF-8''{name}"
            )
        },
    )
