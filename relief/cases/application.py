"""What the borrower does with an application: open, fill in, submit, supply, withdraw, appeal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from loans.models import Loan
from portal.core.calendar.days import load_calendar
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO, require_money
from portal.core.kernel.roles import Role
from portal.core.models import User
from portal.core.retry import retried
from relief.cases import reasons
from relief.cases.gate import Actor, check
from relief.cases.models import Case, Policy
from relief.cases.moves import Occasion, locked, move
from relief.cases.permissions import Task
from relief.cases.timing import deadlines
from relief.cases.timing.lateness import admit_unanswered
from relief.cases.workflow import Action, State

STEPS = ("reason", "statement", "evidence", "affordability", "confirm")
AMOUNTS = {
    "income_before": "此前每月收入",
    "monthly_income": "每月收入",
    "monthly_spending": "每月必要支出",
    "affordable_payment": "每月可还金额",
}


@dataclass(frozen=True)
class ApplicationDraft:
    """What one step of the application saves; None leaves a field as it is (amounts in yuan).

    `cleared` names the amounts that the borrower has emptied.
    """

    reasons: Sequence[str] | None = None
    statement: str | None = None
    income_before: Decimal | None = None
    monthly_income: Decimal | None = None
    monthly_spending: Decimal | None = None
    affordable_payment: Decimal | None = None
    step: int | None = None
    cleared: Sequence[str] = ()


def draft_values(draft: ApplicationDraft) -> dict[str, Any]:
    """The fields of the case to write; InvalidInput names the one at fault.

    draft_values(Draft(statement=" 住院 ")) == {"statement": "住院"}.
    """
    values: dict[str, Any] = {}
    if draft.reasons is not None:
        values["reasons"] = reasons.check_reasons(draft.reasons)
    if draft.statement is not None:
        text = draft.statement.replace("\x00", "").strip()
        if len(text) > reasons.MAX_STATEMENT:
            most = reasons.MAX_STATEMENT
            raise InvalidInput("statement", f"情况说明最多 {most} 字，现在有 {len(text)} 字")
        values["statement"] = text
    for field, label in AMOUNTS.items():
        amount = getattr(draft, field)
        if amount is not None:
            if require_money(amount, field) < ZERO:
                raise InvalidInput(field, f"{label}不能是负数")
            values[field] = amount
        elif field in draft.cleared:
            values[field] = None
    if draft.step is not None:
        values["draft_step"] = min(max(draft.step, 1), len(STEPS))
    return values


def open_case(*, loan: Loan, actor: User, now: datetime) -> Case:
    """The open case of the loan, or a new draft; RuleViolation for a stranger or a settled loan."""
    if loan.borrower_id != actor.pk or not actor.is_borrower:
        raise RuleViolation("只能为自己的借款申请。", code="not-borrower")
    if loan.is_settled:
        raise RuleViolation("这笔借款已结清，无需申请减免。", code="settled")
    existing = Case.objects.open().filter(loan=loan).first()
    if existing is not None:
        return existing
    try:
        with transaction.atomic():
            return Case.objects.create(
                number=next_number(now),
                loan=loan,
                borrower=actor,
                policy=Policy.current(),
                created_at=now,
            )
    except IntegrityError:  # two tabs: the other one made it, or took the number
        existing = Case.objects.open().filter(loan=loan).first()
        if existing is None:
            return open_case(loan=loan, actor=actor, now=now)
        return existing


def next_number(now: datetime) -> str:
    """JM + business date + running number of the day: JM20261123-0017."""
    prefix = f"JM{business_date(now):%Y%m%d}-"
    last = (
        Case.objects.filter(number__startswith=prefix)
        .order_by("-number")
        .values_list("number", flat=True)
        .first()
    )
    return f"{prefix}{int(last.rpartition('-')[2]) + 1 if last else 1:04d}"


def save_step(*, case: Case, draft: ApplicationDraft, actor: User, now: datetime) -> Case:
    """Saves what a step of the draft holds; InvalidInput names the field at fault.

    A half-written statement is kept as it is (submit checks its length).
    """
    with transaction.atomic():
        fresh = locked(case)
        check(Task.EDIT, fresh, Actor(actor, Role.BORROWER), now)
        values = draft_values(draft)
        if values:
            Case.objects.filter(pk=fresh.pk).update(**values)
            fresh.refresh_from_db()
        return fresh


def check_ready(case: Case) -> None:
    """InvalidInput for the first thing that is missing before the case can be submitted."""
    reasons.check_reasons(case.reasons)
    reasons.check_statement(case.statement)
    if not case.evidence.counted().exists():
        raise InvalidInput("evidence", "请至少上传一份收入、流水、失业、医疗、受灾或困难证明")
    _check_cooldown(case)


def _check_cooldown(case: Case) -> None:
    refused = (
        Case.objects.filter(loan=case.loan_id, state=State.REJECTED)
        .exclude(pk=case.pk)
        .order_by("-rejected_at")
        .first()
    )
    if refused is None or refused.reapply_on is None or refused.rejected_at is None:
        return
    old = set(refused.evidence.values_list("sha256", flat=True))
    new = set(case.evidence.counted().values_list("sha256", flat=True)) - old
    if not new and business_date(case.created_at) < refused.reapply_on:
        raise InvalidInput(
            "evidence",
            f"没有新材料时，请在 {deadlines.chinese_day(refused.reapply_on)} 后再申请，"
            "或上传新的材料",
        )


@retried
def submit_case(*, case: Case, actor: User, now: datetime, declared: str = "") -> Case:
    """Hands the draft in; the review clock starts (relief/RULES.md §4).

    `declared` is what the borrower ticked, word for word; it stays in the audit trail.
    Submitted 2026-02-13 10:00: answered by 2026-02-24 18:00. A second click changes nothing.
    """
    check(Task.READ, case, Actor(actor, Role.BORROWER), now)
    with transaction.atomic():
        fresh = locked(case)
        if fresh.state in {State.SUBMITTED, State.IN_REVIEW} and fresh.submitted_at is not None:
            return fresh
        if fresh.state == State.DRAFT:
            check_ready(fresh)
            fresh.policy = Policy.current()
        handed_in = move(
            fresh,
            Action.SUBMIT,
            Occasion(
                Actor(actor, Role.BORROWER), now, data={"declared": declared} if declared else {}
            ),
            changes={**_review_clock(fresh, now), "policy": fresh.policy, "submitted_at": now},
        )
    return handed_in


def _review_clock(case: Case, now: datetime) -> dict[str, Any]:
    rules = case.policy.rules
    target, due = deadlines.review_due(now, rules.review_workdays, load_calendar(), rules)
    return {
        "review_target_at": target,
        "review_due_at": due,
        "clock_stopped_at": None,
        "remaining_workdays": None,
        "reviewed_at": None,
    }


def supply_proof(*, case: Case, actor: User, now: datetime) -> Case:
    """Tells staff that what they asked for is there; the rest of the review clock runs on.

    Needs at least one file newer than the request; 1 working day left on 2026-02-25 means
    2026-02-26 18:00.
    """
    check(Task.READ, case, Actor(actor, Role.BORROWER), now)
    with transaction.atomic():
        fresh = locked(case)
        rules = fresh.policy.rules
        if fresh.state == State.NEED_MORE and fresh.clock_stopped_at is not None:
            newer = fresh.evidence.current().filter(
                created_at__gte=fresh.clock_stopped_at, state__in=["checking", "passed"]
            )
            if not newer.exists():
                raise InvalidInput("evidence", "请先上传客服要求补充的材料")
        target, due = deadlines.review_due(
            now, fresh.remaining_workdays or 1, load_calendar(), rules
        )
        return move(
            fresh,
            Action.SUPPLY,
            Occasion(Actor(actor, Role.BORROWER), now),
            due=deadlines.review_rows(target, due),
            changes={
                "review_target_at": target,
                "review_due_at": due,
                "clock_stopped_at": None,
                "remaining_workdays": None,
            },
        )


@retried
def withdraw_case(*, case: Case, actor: User, now: datetime, reason: str = "") -> Case:
    """Takes the application back, from any state before a plan; open offers end with it."""
    note = reasons.check_line(reason, field="reason", label="撤回原因", empty=True)
    with transaction.atomic():
        fresh = locked(case)
        check(Action.WITHDRAW, fresh, Actor(actor, Role.BORROWER), now)
        admit_unanswered(fresh, now)
        fresh.offers.filter(status__in=["open", "pending", "proposed"]).update(status="declined")
        return move(
            fresh, Action.WITHDRAW, Occasion(Actor(actor, Role.BORROWER), now, note_public=note)
        )


def reopen_case(*, case: Case, actor: User, now: datetime) -> Case:
    """An expired case becomes a draft again, files kept; refused while another one is open."""
    with transaction.atomic():
        fresh = locked(case)
        return move(
            fresh, Action.REOPEN, Occasion(Actor(actor, Role.BORROWER), now), changes=as_draft()
        )


def as_draft() -> dict[str, Any]:
    """What a case that becomes a draft again leaves behind; its answers and files stay."""
    return {
        "closed_at": None,
        "draft_step": len(STEPS),
        "assigned_to": None,
        "delay_from": None,
        "delay_to": None,
    }


def appeal_case(*, case: Case, text: str, actor: User, now: datetime) -> Case:
    """One appeal against a rejection, within 15 calendar days, to a different reviewer."""
    note = reasons.check_line(text, field="text", label="申诉理由", longest=1000)
    with transaction.atomic():
        fresh = locked(case)
        check(Action.APPEAL, fresh, Actor(actor, Role.BORROWER), now)
        return move(
            fresh,
            Action.APPEAL,
            Occasion(Actor(actor, Role.BORROWER), now, note_public=note),
            changes={
                **_review_clock(fresh, now),
                "appealed_at": now,
                "appeal_text": note,
                "assigned_to": None,
                "closed_at": None,
            },
        )
