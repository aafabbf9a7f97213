"""协商方案: reading it, accepting exactly what was read, or not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRefresh

from loans import queries as books
from portal.core import clock
from portal.core.access import borrower_only
from portal.core.errors import RuleViolation, TermsChanged
from portal.core.htmx import redirect_to, render_part, wants_part
from portal.core.visitor import REFUSALS, address, refuse, session_key
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

RESEND_AFTER = timedelta(seconds=60)
SENT = "signing_codes"  # session: digest -> real instant of the last code


@require_safe
@borrower_only
def offer(request: HttpRequest, case: str, number: int) -> HttpResponse:
    """The whole offer; opening it starts the forced reading. A poll answers only when it changed."""
    own = own_case(request, case)
    found = own_offer(own, number)
    if wants_part(request):
        same = request.GET.get("v") == str(own.version)
        return HttpResponse(status=204) if same else HttpResponseClientRefresh()
    if request.method == "GET":
        found = negotiate.open_offer(
            case=own, number=number, actor=borrower(request), now=clock.now()
        )
    return render_part(
        request,
        page="relief/offers/offer.html",
        part="relief/offers/offer.html",
        context=page_context(own, found),
    )


def page_context(own: Case, found: Offer) -> dict[str, Any]:
    """Everything the offer's page shows."""
    now = clock.now()
    view = present.offer_view(found, now)
    versions = offers_of(own, for_borrower=True)
    before = [one for one in versions if one.number < found.number][-1:]
    newer = [one for one in versions if one.number > found.number and one.status == "open"][-1:]
    debt = books.debt(own.loan, clock.today()) if view.answerable else None
    return {
        "case": own,
        "view": view,
        "rules": own.policy.rules,
        "today": today(view.sums, debt, own, locked=view.locked) if debt else None,
        "comebacks": comebacks(view.sums),
        "before": before[0] if before else None,
        "changes": changes(view, present.offer_view(before[0], now)) if before else (),
        "newer": newer[0] if newer else None,
        "read_left": present.read_left(own, found, now) if view.answerable else 0,
    }


def changed(request: HttpRequest, own: Case, message: str, *, status: int = 409) -> HttpResponse:
    """What was answered is no longer on offer: why, the terms that hold now, and what to do."""
    own.refresh_from_db()
    current = next((one for one in offers_of(own, for_borrower=True) if one.status == "open"), None)
    view = present.offer_view(current, clock.now()) if current else None
    return render_part(
        request,
        page="relief/offers/offer_changed.html",
        part="relief/offers/_offer_changed.html",
        context={
            "case": own,
            "message": message,
            "current": view if view and view.answerable else None,
            "last": next(iter(timeline_items(timeline(own))), None),
        },
        status=status,
    )


# --- Accepting -----------------------------------------------------------------------------------


@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
@borrower_only
def accept(request: HttpRequest, case: str, number: int) -> HttpResponse:
    """GET is the sheet (or the page of it); POST accepts, or sends a code, or changes the way."""
    own = own_case(request, case)
    found = own_offer(own, number)
    if request.method == "POST":
        form = AcceptForm(request.POST)
        act = {"send": _send_code, "by-code": _switch, "by-password": _switch}
        return act.get(request.POST.get("do", ""), _accept)(request, own, found, form)
    if found.status == OfferStatus.ACCEPTED:
        return redirect_to(request, reverse("relief:agreement", args=[own.public_id]))
    if not present.is_answerable(found, clock.now()):
        return changed(request, own, _closed(found))
    if found.first_read_at is None:
        return redirect_to(request, reverse("relief:offer", args=[own.public_id, number]))
    if wants_part(request) and "button" in request.GET:
        context = _accept_context(request, own, found, AcceptForm())
        part = "relief/offers/_accept_button.html"
        return render_part(request, page=part, part=part, context=context)
    return _sheet(request, own, found, AcceptForm(initial={"seen": found.digest}))


def _closed(found: Offer) -> str:
    label = present.offer_view(found, clock.now()).label
    return f"这份方案{label}，不能再接受。请查看最新进度。"


def _sheet(
    request: HttpRequest,
    own: Case,
    found: Offer,
    form: AcceptForm,
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    part = "_accept_form.html" if request.method == "POST" else "_accept_sheet.html"
    return render_part(
        request,
        page="relief/offers/offer_accept.html",
        part=f"relief/offers/{part}",
        context=_accept_context(request, own, found, form) | more,
        status=status,
    )


def _accept_context(
    request: HttpRequest, own: Case, found: Offer, form: AcceptForm
) -> dict[str, Any]:
    return {
        "case": own,
        "view": present.offer_view(found, clock.now()),
        "form": form,
        "by": form.method,
        "rules": own.policy.rules,
        "read_left": present.read_left(own, found, clock.now()),
        **_code_state(request, found),
    }


def _accept(request: HttpRequest, own: Case, found: Offer, form: AcceptForm) -> HttpResponse:
    if not form.is_valid():
        return _sheet(request, own, found, form, status=422)
    try:
        accepting.sign_and_accept(
            case=own,
            offer=found,
            seen=form.cleaned_data["seen"],
            method=form.method,
            secret=form.secret,
            session_key=session_key(request),
            ip=address(request),
            actor=borrower(request),
            now=clock.now(),
        )
    except TermsChanged as problem:
        return changed(request, own, problem.message)
    except REFUSALS as problem:
        status = 422 if problem.field else 409
        refuse(form, problem, secret=form.method, phone=form.method)
        return _sheet(request, own, found, form, status=status)
    return redirect_to(request, reverse("relief:agreement", args=[own.public_id]))


def _switch(request: HttpRequest, own: Case, found: Offer, form: AcceptForm) -> HttpResponse:
    """The other way of signing; ticks stay."""
    by = PASSWORD if request.POST.get("do") == "by-password" else CODE
    return _sheet(request, own, found, _kept(form, by))


def _kept(form: AcceptForm, method: str) -> AcceptForm:
    """The form as it was, not judged: ticks and the version that was seen."""
    ticks = {name: bool(form.data.get(name)) for name in ("agree", "know")}
    return AcceptForm(initial=ticks | {"seen": form.data.get("seen", "")}, method=method)


def _send_code(request: HttpRequest, own: Case, found: Offer, form: AcceptForm) -> HttpResponse:
    problem = ""
    try:
        if not present.is_answerable(found, clock.now()):
            raise TermsChanged(_closed(found))
        accepting.send_signing_code(
            offer=found,
            actor=borrower(request),
            session_key=session_key(request),
            ip=address(request),
            now=clock.now(),
        )
    except TermsChanged as gone:
        return changed(request, own, gone.message)
    except RuleViolation as refused:
        problem = refused.message
    else:
        request.session[SENT] = {found.digest: clock.real_now().isoformat()}
    status = 422 if problem else 200
    return _sheet(request, own, found, _kept(form, CODE), problem=problem, status=status)


def _code_state(request: HttpRequest, found: Offer) -> dict[str, Any]:
    """Whether a code went out for this version, and in how many seconds again."""
    sent = request.session.get(SENT, {}).get(found.digest)
    if sent is None:
        return {"sent": False, "resend_in": 0}
    left = datetime.fromisoformat(sent) + RESEND_AFTER - clock.real_now()
    return {"sent": True, "resend_in": max(0, round(left.total_seconds()))}
