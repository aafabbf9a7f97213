"""我的减免申请: all of them, one with its progress, and leaving, reopening or appealing it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRefresh

from portal.core import clock
from portal.core.accounts.drafts import Typed
from portal.core.calendar.days import load_calendar
from portal.core.kernel.money import ZERO
from portal.core.web.access import borrower_only
from portal.core.web.drafting import keeps_draft, restore, sent
from portal.core.web.htmx import redirect_to, render_part, wants_part
from portal.core.web.visitor import REFUSALS, refuse
from relief.cases import application, collection, queries
from relief.cases.gate import Actor, why_not
from relief.cases.models import Case
from relief.cases.permissions import Task
from relief.cases.reasons import reason_names
from relief.cases.workflow import Action, State
from relief.evidence.kinds import KIND_LABELS, EvidenceKind
from relief.evidence.models import EvidenceAccess
from relief.evidence.retention import planned_purge_on
from relief.offers import compose
from relief.offers.models import OfferStatus
from relief.pages._own import borrower, own_case
from relief.pages.forms.case import AppealForm, WithdrawForm
from relief.presenters import progress as present
from relief.presenters.case import case_view
from relief.presenters.offer import offer_view

PLANNED = frozenset({State.PLAN_ACTIVE, State.WARNED, State.BREACHED, State.COMPLETED})


@require_safe
@borrower_only
def cases(request: HttpRequest) -> HttpResponse:
    """Newest first, each with its state and what happens next."""
    user, now = borrower(request), clock.now()
    inbox = list(queries.borrower_inbox(user))
    stages, newest = queries.loan_stages(inbox, clock.today()), queries.rules_for(None)
    views = [case_view(case, user, now, stages.get(case.pk), newest_rules=newest) for case in inbox]
    rows = [(view, present.needs_you(view.case)) for view in views]
    return render(request, "relief/cases/cases.html", {"rows": rows})


@require_safe
@borrower_only
def case(request: HttpRequest, case: str) -> HttpResponse:
    """One case; a poll answers only when something has happened."""
    visitor_case = own_case(request, case)
    mark = f"{visitor_case.version}-{visitor_case.events.count()}"
    if wants_part(request) and request.GET.get("v") == mark:
        return HttpResponse(status=204)
    if wants_part(request):
        return HttpResponseClientRefresh()
    return render(
        request, "relief/cases/case.html", _context(request, visitor_case) | {"mark": mark}
    )


def _context(request: HttpRequest, case: Case) -> dict[str, Any]:
    now = clock.now()
    stages = queries.loan_stages([case], clock.today())
    view = case_view(case, borrower(request), now, stages.get(case.pk))
    files = list(case.evidence.current())
    offers = queries.offers_of(case, for_borrower=True)
    kept = [file for file in files if file.bytes_purged_at is None]
    purge_on = planned_purge_on(kept[0]) if kept else None  # all current files have one date
    agreement = queries.agreement_of(case)
    return {
        "case": case,
        "view": view,
        "steps": present.steps(view),
        "clock": present.clock_of(
            case, now, load_calendar(), _waived_by_delay(case), queries.broken_promises(case)
        ),
        "needs_you": present.needs_you(case),
        "asked": [KIND_LABELS[EvidenceKind(kind)] for kind in case.asked_kinds],
        "offer": next(
            (offer_view(offer, now) for offer in offers if offer.status == OfferStatus.OPEN), None
        ),
        "offers": [offer_view(offer, now) for offer in reversed(offers)],
        "agreement": agreement,
        "items": present.timeline_items(queries.timeline(case)),
        "reasons": reason_names(case.reasons),
        "files": files,
        "can_change": not why_not(Task.ADD_FILE, case, Actor.of(case.borrower), now),
        "accesses": list(
            EvidenceAccess.objects.of_borrower(case.borrower).filter(evidence__case=case)[:5]
        ),
        "purge_on": purge_on,
        "retention": present.retention(kept, purge_on),
        "collection": collection.sentence_for(case.state),
        "refusal": present.rejection(case),
        "appeal": view.button(Action.APPEAL),
        "in_plan": case.state in PLANNED
        or (agreement is not None and agreement.end_kind == "breached"),
        "withdraw": view.button(Action.WITHDRAW),
        "reopen": view.button(Action.REOPEN),
    }


def _waived_by_delay(case: Case) -> Decimal:
    """What our missed deadline has cost us so far, in yuan; the books are asked only then."""
    if case.delay_from is None:
        return ZERO
    return compose.delay_waiver(case, compose.figures_of(case.loan, clock.today()))


# --- Leaving, coming back, objecting ----------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@borrower_only
@keeps_draft
def withdraw(request: HttpRequest, case: str) -> HttpResponse:
    """A page that asks once more; then the case is withdrawn."""
    visitor_case = own_case(request, case)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            application.withdraw_case(
                case=visitor_case,
                actor=borrower(request),
                now=clock.now(),
                reason=form.cleaned_data["reason"],
            )
        except REFUSALS as problem:
            refuse(form, problem)
            return _ask(request, visitor_case, form, "case_withdraw", 409)
        sent(request)
        messages.success(request, "申请已撤回，需要时可以重新申请。")
        return redirect_to(request, reverse("relief:case", args=[visitor_case.public_id]))
    draft = None if form.is_bound else restore(request, form)
    return _ask(request, visitor_case, form, "case_withdraw", draft=draft)


@require_http_methods(["GET", "HEAD", "POST"])
@borrower_only
@keeps_draft
def appeal(request: HttpRequest, case: str) -> HttpResponse:
    """The one appeal; it goes to another reviewer."""
    visitor_case = own_case(request, case)
    form = AppealForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            application.appeal_case(
                case=visitor_case,
                text=form.cleaned_data["text"],
                actor=borrower(request),
                now=clock.now(),
            )
        except REFUSALS as problem:
            refuse(form, problem)
            return _ask(request, visitor_case, form, "case_appeal", 422 if problem.field else 409)
        sent(request)
        messages.success(request, "申诉已提交，会由另一位审核人员处理。")
        return redirect_to(request, reverse("relief:case", args=[visitor_case.public_id]))
    draft = None if form.is_bound else restore(request, form)
    return _ask(request, visitor_case, form, "case_appeal", draft=draft)


@require_http_methods(["GET", "HEAD", "POST"])
@borrower_only
def reopen(request: HttpRequest, case: str) -> HttpResponse:
    """An expired case becomes a draft again, with its files."""
    visitor_case = own_case(request, case)
    if request.method != "POST":
        return redirect_to(request, reverse("relief:case", args=[visitor_case.public_id]))
    try:
        application.reopen_case(case=visitor_case, actor=borrower(request), now=clock.now())
    except REFUSALS as problem:
        context = {"case": visitor_case, "message": problem.message}
        return render(request, "relief/cases/case_refused.html", context, status=409)
    messages.success(request, "申请已重新打开，材料都在；请核对后再提交。")
    return redirect_to(request, _apply_page(visitor_case))


def _apply_page(case: Case) -> str:
    try:
        return reverse("relief:apply", args=[case.loan.public_id])
    except NoReverseMatch:
        return reverse("relief:case", args=[case.public_id])


def _ask(
    request: HttpRequest,
    case: Case,
    form: WithdrawForm | AppealForm,
    name: str,
    status: int = 0,
    *,
    draft: Typed | None = None,
) -> HttpResponse:
    view = case_view(case, borrower(request), clock.now())
    action = Action.WITHDRAW if name == "case_withdraw" else Action.APPEAL
    refused = why_not(action, case=case, actor=Actor.of(borrower(request)), now=clock.now())
    return render_part(
        request,
        page=f"relief/cases/{name}.html",
        part=f"relief/cases/_{name}_form.html",
        context={
            "case": case,
            "view": view,
            "form": form,
            "draft": draft,
            "allowed": not refused,
            "why_not": refused,
        },
        status=status or (422 if form.errors else 200),
    )
