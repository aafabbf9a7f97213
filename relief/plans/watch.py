"""The life of a plan: reminders, warning, cure, breach confirmed by staff, completion."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from loans.domain.breach import Vesting
from loans.queries.debt import load_debt
from loans.queries.plan import plan_vesting
from loans.queries.position import load_position
from loans.queries.stage import TWO_MISSED
from loans.services.plans.breach import reinstate
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date, instant_at
from portal.core.kernel.roles import Role
from portal.core.models import User
from portal.core.retry import retried
from relief.cases import labels, notices
from relief.cases.gate import SYSTEM, Actor
from relief.cases.models import Case
from relief.cases.moves import Occasion, locked, move, record, set_deadlines
from relief.cases.reasons import check_line
from relief.cases.timing import deadlines
from relief.cases.timing.lateness import skip_reminder
from relief.cases.workflow import IN_PLAN, Action, State
from relief.offers.models import Agreement
from relief.plans.clock import cure_due, health, plan_due, unpaid, watch_of
from relief.plans.health import PlanDue, PlanHealth, Reminder, planned_reminders

REMINDERS = {
    Reminder.SOON: notices.AuditEvent.PLAN_SOON,
    Reminder.TODAY: notices.AuditEvent.PLAN_TODAY,
    Reminder.LATE: notices.AuditEvent.PLAN_LATE,
}


def watch_plan(*, case: Case, now: datetime, planned_at: datetime | None = None) -> None:
    """Looks at one plan: reminds once per instalment and kind, warns, and sets the next look.

    Safe to call twice, late, or in between. What the look planned at `planned_at` was to say and
    what is said by now too late is not said; the trail has why.
    """
    with transaction.atomic():
        fresh = locked(case)
        if State(fresh.state) not in IN_PLAN:
            return
        state = health(fresh, business_date(now))
        if state.first_unpaid is None:
            return
        if planned_at is not None:
            _skip_passed(fresh, state, planned_at, now)
        _remind(fresh, state, now)
        if state.must_warn and fresh.state == State.PLAN_ACTIVE:
            warn(case=fresh, now=now)
            return
        if fresh.state == State.WARNED:
            notify_breach_ready(fresh, now)
        renew_clock(fresh, now)


def renew_clock(case: Case, now: datetime) -> None:
    """Stores the next date and the next look from what is unpaid now; a cure's end is kept."""
    due = plan_due(case, now)
    if case.state == State.WARNED:
        if due is not None:
            case.deadlines.waiting().filter(kind=deadlines.DueKind.PLAN_CHECK).update(
                cancelled_at=now
            )
            case.deadlines.create(kind=deadlines.DueKind.PLAN_CHECK, due_at=due.rows[0][1])
        return
    set_deadlines(case, due, now)
    Case.objects.filter(pk=case.pk).update(
        next_due_at=due.at if due else None, next_due_kind=due.kind if due else ""
    )


def _remind(case: Case, state: PlanHealth, now: datetime) -> None:
    first = state.first_unpaid
    if state.reminder is None or first is None:
        return
    event, key = REMINDERS[state.reminder], _reminder_key(state.reminder, first)
    if case.events.filter(action=event.value, data__key=key).exists():
        return
    day_over = instant_at(first.due_on, deadlines.DAY_END)
    record(
        case,
        event,
        Occasion(
            SYSTEM,
            now,
            data={"key": key, "instalment": first.number},
            context={
                "instalment": first,
                "due": f"{first.due_on.month}月{first.due_on.day}日",
                "not_after": None if state.reminder == Reminder.LATE else day_over,
            },
        ),
        key=key,
    )


def _reminder_key(reminder: Reminder, due: PlanDue) -> str:
    return f"{REMINDERS[reminder].value}:{due.number}:{due.due_on:%Y%m%d}"


def _skip_passed(case: Case, state: PlanHealth, planned_at: datetime, now: datetime) -> None:
    """A line for each reminder that was planned since then and is not true any more."""
    on = business_date(now)
    left = unpaid(case, on)
    if left is None:
        return
    rows, rules = left
    for reminder, due in planned_reminders(rows, business_date(planned_at), on, rules):
        is_recorded = case.events.filter(data__key=_reminder_key(reminder, due)).exists()
        if (reminder, due) == (state.reminder, state.first_unpaid) or is_recorded:
            continue
        when = "到期前" if reminder == Reminder.SOON else "到期当天"
        day = f"{due.due_on.month}月{due.due_on.day}日"
        why = f"第 {due.number} 期 {day} 到期，{when}的提醒已过时，没有发送。"
        skip_reminder(case, REMINDERS[reminder], why, now=now)


def warn(*, case: Case, now: datetime) -> Case:
    """A plan instalment is unpaid after its grace: its days of cure begin now (relief/RULES.md §8)."""
    with transaction.atomic():
        fresh = locked(case)
        state = health(fresh, business_date(now))
        if not state.must_warn or state.first_unpaid is None:
            raise RuleViolation("还没有到预警的时候。", code="not-late")
        return move(
            fresh,
            Action.WARN,
            Occasion(
                SYSTEM,
                now,
                data={"instalment": state.first_unpaid.number},
                context={
                    "instalments": "、".join(str(late.number) for late in state.overdue),
                    "may_end_at_once": TWO_MISSED if state.two_missed else "",
                    "vesting": vesting_of(fresh, business_date(now)),
                },
            ),
            due=cure_due(fresh, in_force(fresh).plan.plan_rules, now),
        )


def vesting_of(case: Case, on: date) -> Vesting | None:
    """What a breach on a date would leave and bring back of the waiver, as the books tell it."""
    return plan_vesting(load_position(case.loan), on)


def cure(*, case: Case, now: datetime) -> Case | None:
    """After a late payment: nothing overdue any more, so the plan goes on; None if some is."""
    with transaction.atomic():
        fresh = locked(case)
        state = health(fresh, business_date(now))
        if fresh.state != State.WARNED or state.overdue:
            return None
        return move(fresh, Action.CURE, Occasion(SYSTEM, now), due=plan_due(fresh, now))


def notify_breach_ready(case: Case, now: datetime) -> None:
    """Tells supervisors once per warning that a breach waits to be confirmed, and why."""
    watch = watch_of(case, load_debt(case.loan, business_date(now)))
    if watch is None or not watch.may_end:
        return
    warned = case.events.filter(action=Action.WARN).order_by("-pk").first()
    key = f"breach:{warned.pk if warned else 0}"
    ready = notices.AuditEvent.BREACH_READY.value
    if not case.events.filter(action=ready, data__key=key).exists():
        context = {"ready": labels.BREACH_READY.format(reason=watch.end_reason)}
        record(
            case,
            notices.AuditEvent.BREACH_READY,
            Occasion(SYSTEM, now, data={"key": key}, context=context),
            key=key,
        )


@retried
def breach(*, case: Case, reason: str, actor: User, now: datetime) -> Case:
    """A supervisor confirms the breach: the waiver vests in proportion, the rest comes back.

    5 of 12 paid: 67.29 of 161.50 vested, 94.21 back, 3,500 due (loans/RULES.md §7).
    """
    public_reason = check_line(reason, field="reason", label="确认违约的说明")
    with transaction.atomic():
        fresh = locked(case)
        moved = move(
            fresh,
            Action.BREACH,
            Occasion(
                Actor(actor, Role.STAFF),
                now,
                note_public=public_reason,
                context={"vesting": vesting_of(fresh, business_date(now))},
            ),
        )
        agreement = in_force(moved)
        reinstate(
            loan_id=moved.loan_id,
            on=business_date(now),
            key=f"breach:{agreement.number}",
            actor=actor,
            reason=public_reason,
            now=now,
        )
        end(agreement, "breached", now, public_reason)
        return moved


def complete(*, case: Case, now: datetime) -> Case:
    """Everything is paid: the plan is completed; the books issue the certificate."""
    with transaction.atomic():
        fresh = locked(case)
        moved = move(fresh, Action.COMPLETE, Occasion(SYSTEM, now))
        end(in_force(moved), "completed", now)
        return moved


def resume(agreement: Agreement) -> None:
    """The payment that completed the plan was reversed: the agreement has not ended."""
    Agreement.objects.filter(pk=agreement.pk).update(ended_at=None, end_kind="", end_reason="")


def in_force(case: Case) -> Agreement:
    """The agreement of the case that was not revoked."""
    return case.agreements.exclude(end_kind="revoked").select_related("offer", "plan").get()


def end(agreement: Agreement, kind: str, now: datetime, reason: str = "") -> None:
    """Marks how an agreement ended; its terms stay as they are."""
    Agreement.objects.filter(pk=agreement.pk).update(ended_at=now, end_kind=kind, end_reason=reason)
