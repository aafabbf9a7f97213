"""不接受: a counter-offer, computed while it is typed, or declining for good."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from loans.presenters.amounts import penalty_all, penalty_owed
from loans.queries.debt import load_debt
from portal.core import clock
from portal.core.accounts.drafts import Typed
from portal.core.calendar.days import load_calendar
from portal.core.errors import TermsChanged
from portal.core.web.access import borrower_only
from portal.core.web.drafting import keeps_draft, restore, sent
from portal.core.web.htmx import redirect_to, render_part
from portal.core.web.visitor import REFUSALS, refuse
from relief.cases.gate import Actor, why_not
from relief.cases.models import Case
from relief.cases.timing import deadlines
from relief.cases.workflow import Action, Promise
from relief.offers import negotiate
from relief.offers.compose import Composed, CounterDraft, preview_counter
from relief.offers.models import Offer
from relief.pages._own import borrower, own_case, own_offer
from relief.pages.forms.offer import CounterForm, DeclineForm
from relief.pages.offers import changed
from relief.presenters import offer as present
from relief.presenters.counter import chips, preview_of

NAMES = {"waive_penalty": "waive", "term_count": "terms", "text": "note"}


@require_http_methods(["GET", "HEAD", "POST"])
@borrower_only
@keeps_draft
def reject(request: HttpRequest, case: str, number: int) -> HttpResponse:
    """GET is the form; POST proposes, declines, or fills in a suggestion."""
    visitor_case = own_case(request, case)
    offer = own_offer(visitor_case, number)
    if not present.is_answerable(offer, clock.now()) and request.method != "POST":
        return _closed(request, visitor_case, offer)
    if request.method != "POST":
        form = _form(visitor_case, offer)
        draft = restore(request, form)
        return _page(request, visitor_case, offer, form, draft=draft)
    if request.POST.get("do") == "decline":
        return _decline(request, visitor_case, offer)
    if "use" in request.POST:
        typed = request.POST.copy()
        typed["monthly"], typed["terms"] = request.POST["use"], ""
        return _look(
            request, visitor_case, offer, CounterForm(typed, **_bounds(visitor_case, offer))
        )
    form = CounterForm(request.POST, **_bounds(visitor_case, offer))
    if request.POST.get("do") == "check":
        return _look(request, visitor_case, offer, form)
    return _counter(request, visitor_case, offer, form)


def _closed(request: HttpRequest, case: Case, offer: Offer) -> HttpResponse:
    label = present.offer_view(offer, clock.now()).label
    return changed(request, case, f"这份方案{label}，不能再答复。请查看最新进度。")


@require_POST
@borrower_only
def check(request: HttpRequest, case: str, number: int) -> HttpResponse:
    """The live check: only the figures, and only what the bounds say about them.

    Always 200: it answers a question while somebody is still typing, it refuses nothing.
    """
    visitor_case = own_case(request, case)
    offer = own_offer(visitor_case, number)
    form = CounterForm(request.POST, **_bounds(visitor_case, offer))
    composed = _compose(visitor_case, offer, form)
    _judge_figures_only(form)
    return render_part(
        request,
        page="relief/offers/offer_reject.html",
        part="relief/offers/_counter_check.html",
        context=_context(visitor_case, offer, form)
        | {"preview": preview_of(visitor_case, offer, composed)},
    )


def _bounds(case: Case, offer: Offer) -> dict[str, Any]:
    day = clock.today()
    penalty = load_debt(case.loan, day).figures.penalty
    return {"offer": offer, "penalty": penalty, "today": day}


def _form(case: Case, offer: Offer) -> CounterForm:
    return CounterForm(**_bounds(case, offer))


def _compose(case: Case, offer: Offer, form: CounterForm) -> Composed | None:
    """What the typed figures would give; a broken bound is written at its field."""
    form.is_valid()
    draft = form.draft()
    if draft is None:
        return None
    try:
        return preview_counter(case=case, number=offer.number, draft=draft, on=clock.today())
    except REFUSALS as problem:
        refuse(form, problem, **NAMES)
        return None


def _judge_figures_only(form: CounterForm) -> None:
    for name in ("reasons", "note", "seen"):
        form.errors.pop(name, None)


def _look(request: HttpRequest, case: Case, offer: Offer, form: CounterForm) -> HttpResponse:
    """The form again with the figures of what is typed; nothing is sent."""
    composed = _compose(case, offer, form)
    _judge_figures_only(form)
    status = 422 if form.errors else 200
    return _page(request, case, offer, form, composed=composed, status=status)


def _counter(request: HttpRequest, case: Case, offer: Offer, form: CounterForm) -> HttpResponse:
    composed = _compose(case, offer, form)
    draft: CounterDraft | None = form.draft() if composed else None
    if form.errors or draft is None:
        return _page(request, case, offer, form, composed=composed, status=422)
    try:
        negotiate.reject_offer(
            case=case,
            number=offer.number,
            seen=form.cleaned_data["seen"],
            reasons=form.cleaned_data["reasons"],
            draft=draft,
            note=form.cleaned_data["note"],
            actor=borrower(request),
            now=clock.now(),
        )
    except TermsChanged as problem:
        return changed(request, case, problem.message)
    except REFUSALS as problem:
        field = getattr(problem, "field", "")
        refuse(form, problem, **NAMES)
        return _page(request, case, offer, form, composed=composed, status=422 if field else 409)
    sent(request)
    messages.success(request, "还款建议已提交，客服会在期限内答复你。")
    return redirect_to(request, reverse("relief:case", args=[case.public_id]))


def _decline(request: HttpRequest, case: Case, offer: Offer) -> HttpResponse:
    form = DeclineForm(request.POST, auto_id="decline_%s")
    if not form.is_valid():
        return _page(request, case, offer, _form(case, offer), decline=form, status=422)
    try:
        negotiate.decline_offer(
            case=case,
            number=offer.number,
            seen=form.cleaned_data["seen"],
            reasons=form.cleaned_data["reasons"],
            note=form.cleaned_data["note"],
            actor=borrower(request),
            now=clock.now(),
        )
    except TermsChanged as problem:
        return changed(request, case, problem.message)
    except REFUSALS as problem:
        refuse(form, problem, **NAMES)
        return _page(request, case, offer, _form(case, offer), decline=form, status=409)
    sent(request)
    messages.success(request, "你已拒绝这份方案，本次协商结束。需要时可以重新申请。")
    return redirect_to(request, reverse("relief:case", args=[case.public_id]))


def _page(
    request: HttpRequest,
    case: Case,
    offer: Offer,
    form: CounterForm,
    *,
    decline: DeclineForm | None = None,
    composed: Composed | None = None,
    draft: Typed | None = None,
    status: int = 200,
) -> HttpResponse:
    if status == HTTPStatus.UNPROCESSABLE_ENTITY and not present.is_answerable(offer, clock.now()):
        return _closed(request, case, offer)  # there is no form any more to say it in
    context = _context(case, offer, form) | {
        "preview": preview_of(case, offer, composed),
        "draft": draft,
    }
    if decline is not None:
        context["decline"] = decline
    return render_part(
        request,
        page="relief/offers/offer_reject.html",
        part=f"relief/offers/{'_counter_fields' if decline is None else '_decline_form'}.html",
        context=context,
        status=status,
    )


def _context(case: Case, offer: Offer, form: CounterForm) -> dict[str, Any]:
    rules = case.policy.rules
    reply = deadlines.due_for(Promise.REPLY, clock.now(), load_calendar(), rules)
    debt = load_debt(case.loan, clock.today())
    return {
        "case": case,
        "view": present.offer_view(offer, clock.now()),
        "form": form,
        "decline": DeclineForm(auto_id="decline_%s", initial={"seen": offer.digest}),
        "penalty": penalty_owed(debt),
        "penalty_all": penalty_all(debt),
        "why_not": why_not(Action.COUNTER, case, Actor.of(case.borrower), clock.now()),
        "rounds_left": rules.max_rounds - case.rounds,
        "rules": rules,
        "terms_hint": f"每月可还金额和期数填一项即可，最多 {rules.max_plan_terms} 期",
        "reply_by": reply.at if reply else None,
        "chips": chips(case, offer, debt),
    }
