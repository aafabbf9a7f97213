"""申请罚息减免: five steps, each with its own address and saved as one goes; then the receipt."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from loans.models import Loan
from loans.queries.debt import load_debt
from loans.queries.stage import stage_of
from portal.core import clock
from portal.core.calendar.days import load_calendar
from portal.core.kernel.errors import InvalidInput
from portal.core.web.access import borrower_only
from portal.core.web.drafting import keeps_draft, restore, sent
from portal.core.web.htmx import redirect_to, render_part, say, wants_part
from portal.core.web.visitor import REFUSALS, refuse
from relief.cases import application
from relief.cases.application import STEPS
from relief.cases.models import Case
from relief.cases.queries import loan_stages, rules_for
from relief.cases.reasons import reason_names
from relief.cases.workflow import State
from relief.pages._own import borrower, own_case
from relief.pages._panel import evidence_page, step_context
from relief.pages.forms.apply import DECLARATION, FORMS, AffordabilityForm, StepForm
from relief.presenters import apply as present
from relief.presenters.case import case_view

NEXT, BACK, SAVE = "next", "back", "save"
STEP_OF_FIELD = {"reasons": "reason", "statement": "statement", "evidence": "evidence"}
NO_PROOF = "请至少上传一份收入、流水、失业、医疗、受灾或困难证明，再继续下一步。"


def _own_loan(request: HttpRequest, public_id: str) -> Loan:
    """The user's loan; a stranger's is 404, not 403."""
    return get_object_or_404(Loan.objects.for_borrower(borrower(request)), public_id=public_id)


def _open_case(loan: Loan) -> Case | None:
    return Case.objects.open().filter(loan=loan).for_lists().first()


def _step_url(loan: Loan, step: str) -> str:
    return reverse("relief:apply-step", args=[loan.public_id, step])


@require_safe
@borrower_only
def start(request: HttpRequest, loan: str) -> HttpResponse:
    """Redirects to the step where the draft stands; else a page that says why not and what to do instead."""
    visitor_loan = _own_loan(request, loan)
    case = _open_case(visitor_loan)
    if case is None and _is_overdue(visitor_loan):
        return redirect(_step_url(visitor_loan, STEPS[0]))
    if case is not None and case.state == State.DRAFT:
        return redirect(_step_url(visitor_loan, STEPS[case.draft_step - 1]))
    context: dict[str, Any] = {"loan": visitor_loan, "case": case}
    if case is not None:
        stages = loan_stages([case], clock.today())
        context["view"] = case_view(case, borrower(request), clock.now(), stages.get(case.pk))
    else:
        debt = load_debt(visitor_loan, clock.today())
        context["stage"] = stage_of(visitor_loan, debt)
        context["debt"] = None if visitor_loan.is_settled else debt
    return render(request, "relief/apply/apply_closed.html", context)


def _is_overdue(loan: Loan) -> bool:
    return not loan.is_settled and load_debt(loan, clock.today()).overdue_days > 0


@require_http_methods(["GET", "HEAD", "POST"])
@borrower_only
@keeps_draft
def step(request: HttpRequest, loan: str, step: str) -> HttpResponse:
    """GET shows a step as it was left; POST saves it and goes on, back, or stays."""
    visitor_loan = _own_loan(request, loan)
    if step not in STEPS:
        raise Http404
    case = _open_case(visitor_loan)
    if case is not None and case.state != State.DRAFT:
        return redirect_to(request, _after_draft(request, case, step))
    if case is None and (step != STEPS[0] or not _is_overdue(visitor_loan)):
        return redirect_to(request, reverse("relief:apply", args=[visitor_loan.public_id]))
    if request.method == "POST":
        return _save(request, visitor_loan, case, step)
    if step == "evidence" and case is not None:
        return evidence_page(request, case)
    form = FORMS[step].of_case(case)
    draft = restore(request, form)
    return _page(request, visitor_loan, case, step, form, draft=draft)


def _after_draft(request: HttpRequest, case: Case, step: str) -> str:
    """A second click on 确认提交 leads to the same receipt; anything else to the start page."""
    if request.method == "POST" and step == STEPS[-1] and case.submitted_at is not None:
        return reverse("relief:receipt", args=[case.public_id])
    return reverse("relief:apply", args=[case.loan.public_id])


def _save(request: HttpRequest, loan: Loan, case: Case | None, step: str) -> HttpResponse:
    """Save the step; then forward, back, stay with a word, or hand in."""
    wish = request.POST.get("go", NEXT)
    form = FORMS[step](request.POST, complete=wish == NEXT)
    if not form.is_valid():
        return _page(request, loan, case, step, form, status=422)
    if step == "evidence" and wish == NEXT and case and not case.evidence.counted().exists():
        return evidence_page(request, case, status=422, error=NO_PROOF)
    target = _target(step, wish)
    user, now = borrower(request), clock.now()
    try:
        if step == STEPS[-1] and wish == NEXT and case is not None:
            return _submit(request, case, form)
        case = case or application.open_case(loan=loan, actor=user, now=now)
        draft = form.draft(STEPS.index(target) + 1)
        case = application.save_step(case=case, draft=draft, actor=user, now=now)
        sent(request)
    except REFUSALS as problem:
        refuse(form, problem)
        status = 422 if isinstance(problem, InvalidInput) else 409
        return _page(request, loan, case, step, form, status=status)
    if wish == SAVE:
        return _stay(request, loan, case, step)
    return redirect_to(request, _step_url(loan, target))


def _target(step: str, wish: str) -> str:
    place = STEPS.index(step) + {NEXT: 1, BACK: -1}.get(wish, 0)
    return STEPS[min(max(place, 0), len(STEPS) - 1)]


def _stay(request: HttpRequest, loan: Loan, case: Case, step: str) -> HttpResponse:
    """存草稿: the same step again, with a word that it is kept."""
    saved = "草稿已保存，随时可以回来继续填写。"
    if wants_part(request) and step != "evidence":
        form = FORMS[step].of_case(case)
        response = _page(request, loan, case, step, form)
        return say(response, saved, shown=True)
    messages.success(request, saved)
    return redirect_to(request, _step_url(loan, step))


def _submit(request: HttpRequest, case: Case, form: StepForm) -> HttpResponse:
    """Hand in; what is missing is said on the page, with the way to its step."""
    user, now = borrower(request), clock.now()
    try:
        done = application.submit_case(case=case, actor=user, now=now, declared=DECLARATION)
    except InvalidInput as missing:
        place = STEP_OF_FIELD.get(missing.field, STEPS[0])
        lack = {"text": missing.message, "url": _step_url(case.loan, place)}
        return _page(request, case.loan, case, STEPS[-1], form, status=422, lack=lack)
    return redirect_to(request, reverse("relief:receipt", args=[done.public_id]))


def _page(
    request: HttpRequest,
    loan: Loan,
    case: Case | None,
    step: str,
    form: StepForm,
    *,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    """A whole step, or its form alone for HTMX."""
    facts_of = {
        "reason": _loan_lines,
        "affordability": lambda loan, case: {
            "estimate": _estimate_of(form, case),
            **_usual(loan),
        },
        "confirm": _review,
    }.get(step)
    context = {
        **step_context(loan, step, case),
        "form": form,
        **(facts_of(loan, case) if facts_of else {}),
        **extra,
    }
    return render_part(
        request,
        page=f"relief/apply/apply_{step}.html",
        part=f"relief/apply/_apply_{step}.html",
        context=context,
        status=status,
    )


def _loan_lines(loan: Loan, case: Case | None) -> dict[str, Any]:
    """This loan, and others of the borrower that are overdue too."""
    today = clock.today()
    lines = [present.loan_line(loan, load_debt(loan, today), current=True)]
    others = Loan.objects.for_borrower(loan.borrower).active().exclude(pk=loan.pk)
    for other in others:
        line = present.loan_line(other, load_debt(other, today), current=False)
        if line.overdue:
            lines.append(line)
    return {"loans": lines}


def _usual(loan: Loan) -> dict[str, Any]:
    debt = load_debt(loan, clock.today())
    return {"usual": debt.next_due.scheduled if debt.next_due else None}


def _review(loan: Loan, case: Case | None) -> dict[str, Any]:
    """Everything that would be handed in, and what is promised for it now."""
    assert case is not None
    rules = rules_for(case)
    debt = load_debt(loan, clock.today())
    files = list(case.evidence.current())
    return {
        "reasons": reason_names(case.reasons),
        "files": [present.file_line(file, clock.now(), can_change=False) for file in files],
        "line": present.loan_line(loan, debt, current=True),
        "estimate": present.estimate(
            case.monthly_income, case.monthly_spending, case.affordable_payment, rules
        ),
        "promise": present.promise(clock.now(), rules, load_calendar()),
    }


# --- The live estimate of step four -----------------------------------------------------------------


@require_POST
@borrower_only
def estimate(request: HttpRequest, loan: str) -> HttpResponse:
    """What is left over a month, from what is typed so far; nothing is saved."""
    visitor_loan = _own_loan(request, loan)
    form = AffordabilityForm(request.POST, complete=False)
    form.is_valid()
    part = "relief/apply/_apply_estimate.html"
    context = {
        "estimate": _estimate_of(form, _open_case(visitor_loan)),
        "loan": visitor_loan,
        "live": True,
    }
    if not wants_part(request):
        return redirect(_step_url(visitor_loan, "affordability"))
    return render(request, part, context)


def _estimate_of(form: StepForm, case: Case | None) -> present.Estimate:
    """From the values that can be read; a wrong one counts as empty, also in a draft."""
    source = form.cleaned_data if form.is_bound and hasattr(form, "cleaned_data") else form.initial
    names = ("monthly_income", "monthly_spending", "affordable_payment")
    values = (source.get(name) for name in names)
    income, spending, affordable = (v if isinstance(v, Decimal) else None for v in values)
    return present.estimate(income, spending, affordable, rules_for(case))


# --- The receipt --------------------------------------------------------------------------------------


@require_safe
@borrower_only
def receipt(request: HttpRequest, case: str) -> HttpResponse:
    """What was submitted and when, and what happens next; to keep or to print."""
    visitor_case = own_case(request, case)
    if visitor_case.submitted_at is None or visitor_case.state == State.DRAFT:
        raise Http404
    sent_files = visitor_case.evidence.filter(created_at__lte=visitor_case.submitted_at)
    files = [
        f
        for f in sent_files
        if f.withdrawn_at is None or f.withdrawn_at > visitor_case.submitted_at
    ]
    context = {
        "case": visitor_case,
        "view": case_view(visitor_case, borrower(request), clock.now()),
        "reasons": reason_names(visitor_case.reasons),
        "files": files,
        "digest": present.submission_digest(visitor_case, files),
        "rules": visitor_case.policy.rules,
    }
    return render(request, "relief/apply/apply_receipt.html", context)
