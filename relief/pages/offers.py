"""协商方案: reading it, accepting exactly what was read, or not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRefresh

from loans.domain.breach import PENALTY_AFTER_BREACH
from loans.queries.debt import load_debt
from portal.core import clock
from portal.core.errors import RuleViolation, TermsChanged
from portal.core.web.access import borrower_only
from portal.core.web.htmx import redirect_to, render_part, wants_part
from portal.core.web.visitor import REFUSALS, address, origin, refuse, session_key
from relief.cases.models import Case
from relief.cases.queries import offers_of, timeline
from relief.offers import accept as accepting
from relief.offers import negotiate
from relief.offers.models import Offer, OfferStatus
from relief.pages._own import borrower, own_case, own_offer
from relief.pages.forms.offer import CODE, PASSWORD, AcceptForm
from relief.presenters import offer as present
from relief.presenters.changes import changes
from relief.presenters.comparison import today
from relief.presenters.cost import comebacks
from relief.presenters.progress import timeline_items
from relief.presenters.relief_status import TO_REOPEN

RESEND_AFTER = timedelta(seconds=60)
SENT = "signing_codes"  # session: digest -> real instant of the last code


@require_safe
@borrower_only
def offer(request: HttpRequest, case: str, number: int) -> HttpResponse:
    """The whole offer; opening it starts the forced reading. A poll answers only when it changed."""
    visitor_case = own_case(request, case)
    versions = offers_of(visitor_case, for_borrower=True)
    shown_offer = next((version for version in versions if version.number == number), None)
    if shown_offer is None:
        raise Http404
    if wants_part(request):
        is_unchanged = request.GET.get("v") == str(visitor_case.version)
        return HttpResponse(status=204) if is_unchanged else HttpResponseClientRefresh()
    if request.method == "GET" and negotiate.waits_to_be_read(shown_offer):
        shown_offer = negotiate.open_offer(
            case=visitor_case, number=number, actor=borrower(request), now=clock.now()
        )
    return render_part(
        request,
        page="relief/offers/offer.html",
        part="relief/offers/offer.html",
        context=page_context(visitor_case, shown_offer, versions),
    )


def page_context(case: Case, offer: Offer, versions: Sequence[Offer]) -> dict[str, Any]:
    """Everything the offer's page shows; `versions` are all that the borrower may see."""
    now = clock.now()
    view = present.offer_view(offer, now)
    before = [version for version in versions if version.number < offer.number][-1:]
    newer = [
        version
        for version in versions
        if version.number > offer.number and version.status == "open"
    ][-1:]
    debt = load_debt(case.loan, clock.today()) if view.answerable else None
    return {
        "case": case,
        "view": view,
        "rules": case.policy.rules,
        "today": today(view.sums, debt, case, locked=view.locked) if debt else None,
        "comebacks": comebacks(view.sums),
        "to_reopen": TO_REOPEN,
        "penalty_after_breach": PENALTY_AFTER_BREACH,
        "before": before[0] if before else None,
        "changes": changes(view, present.offer_view(before[0], now)) if before else (),
        "newer": newer[0] if newer else None,
        "read_left": present.read_left(case, offer, now) if view.answerable else 0,
    }


def changed(request: HttpRequest, case: Case, message: str, *, status: int = 409) -> HttpResponse:
    """What was answered is no longer on offer: why, the terms that hold now, and what to do."""
    case.refresh_from_db()
    current = next(
        (version for version in offers_of(case, for_borrower=True) if version.status == "open"),
        None,
    )
    view = present.offer_view(current, clock.now()) if current else None
    return render_part(
        request,
        page="relief/offers/offer_changed.html",
        part="relief/offers/_offer_changed.html",
        context={
            "case": case,
            "message": message,
            "current": view if view and view.answerable else None,
            "last": next(iter(timeline_items(timeline(case))), None),
        },
        status=status,
    )


# --- Accepting -----------------------------------------------------------------------------------


@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
@borrower_only
def accept(request: HttpRequest, case: str, number: int) -> HttpResponse:
    """GET is the sheet (or the page of it); POST accepts, or sends a code, or changes the way."""
    visitor_case = own_case(request, case)
    offer = own_offer(visitor_case, number)
    if request.method == "POST":
        form = AcceptForm(request.POST)
        act = {"send": _send_code, "by-code": _switch, "by-password": _switch}
        return act.get(request.POST.get("do", ""), _accept)(request, visitor_case, offer, form)
    if offer.status == OfferStatus.ACCEPTED:
        return redirect_to(request, reverse("relief:agreement", args=[visitor_case.public_id]))
    if not present.is_answerable(offer, clock.now()):
        return changed(request, visitor_case, _closed(offer))
    if offer.first_read_at is None:
        return redirect_to(request, reverse("relief:offer", args=[visitor_case.public_id, number]))
    if wants_part(request) and "button" in request.GET:
        context = _accept_context(request, visitor_case, offer, AcceptForm())
        part = "relief/offers/_accept_button.html"
        return render_part(request, page=part, part=part, context=context)
    return _sheet(request, visitor_case, offer, AcceptForm(initial={"seen": offer.digest}))


def _closed(offer: Offer) -> str:
    label = present.offer_view(offer, clock.now()).label
    return f"这份方案{label}，不能再接受。请查看最新进度。"


def _sheet(
    request: HttpRequest,
    case: Case,
    offer: Offer,
    form: AcceptForm,
    *,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    part = "_accept_form.html" if request.method == "POST" else "_accept_sheet.html"
    return render_part(
        request,
        page="relief/offers/offer_accept.html",
        part=f"relief/offers/{part}",
        context=_accept_context(request, case, offer, form) | extra,
        status=status,
    )


def _accept_context(
    request: HttpRequest, case: Case, offer: Offer, form: AcceptForm
) -> dict[str, Any]:
    return {
        "case": case,
        "view": present.offer_view(offer, clock.now()),
        "form": form,
        "by": form.method,
        "rules": case.policy.rules,
        "read_left": present.read_left(case, offer, clock.now()),
        **_code_state(request, offer),
    }


def _accept(request: HttpRequest, case: Case, offer: Offer, form: AcceptForm) -> HttpResponse:
    if not form.is_valid():
        return _sheet(request, case, offer, form, status=422)
    try:
        accepting.sign_and_accept(
            case=case,
            offer=offer,
            seen=form.cleaned_data["seen"],
            method=form.method,
            secret=form.secret,
            session_key=session_key(request),
            origin=origin(request),
            actor=borrower(request),
            now=clock.now(),
        )
    except TermsChanged as problem:
        return changed(request, case, problem.message)
    except REFUSALS as problem:
        status = 422 if problem.field else 409
        refuse(form, problem, secret=form.method, phone=form.method)
        return _sheet(request, case, offer, form, status=status)
    return redirect_to(request, reverse("relief:agreement", args=[case.public_id]))


def _switch(request: HttpRequest, case: Case, offer: Offer, form: AcceptForm) -> HttpResponse:
    """The other way of signing; ticks stay."""
    method = PASSWORD if request.POST.get("do") == "by-password" else CODE
    return _sheet(request, case, offer, _kept(form, method))


def _kept(form: AcceptForm, method: str) -> AcceptForm:
    """The form as it was, not judged: ticks and the version that was seen."""
    ticks = {name: bool(form.data.get(name)) for name in ("agree", "know")}
    return AcceptForm(initial=ticks | {"seen": form.data.get("seen", "")}, method=method)


def _send_code(request: HttpRequest, case: Case, offer: Offer, form: AcceptForm) -> HttpResponse:
    problem = ""
    try:
        if not present.is_answerable(offer, clock.now()):
            raise TermsChanged(_closed(offer))
        accepting.send_signing_code(
            offer=offer,
            actor=borrower(request),
            session_key=session_key(request),
            ip=address(request),
            now=clock.now(),
        )
    except TermsChanged as gone:
        return changed(request, case, gone.message)
    except RuleViolation as refused:
        problem = refused.message
    else:
        request.session[SENT] = {offer.digest: clock.real_now().isoformat()}
    status = 422 if problem else 200
    return _sheet(request, case, offer, _kept(form, CODE), problem=problem, status=status)


def _code_state(request: HttpRequest, offer: Offer) -> dict[str, Any]:
    """Whether a code went out for this version, and in how many seconds again."""
    sent = request.session.get(SENT, {}).get(offer.digest)
    if sent is None:
        return {"sent": False, "resend_in": 0}
    waits = datetime.fromisoformat(sent) + RESEND_AFTER - clock.real_now()
    return {"sent": True, "resend_in": max(0, round(waits.total_seconds()))}
