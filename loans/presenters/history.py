"""Superseded schedules, and what a loan came to over its whole life; read from its position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from loans.models import Account, Entry, Instalment, Loan, Payment, Schedule
from loans.presenters import wording
from loans.presenters.loan import PlanLine
from loans.queries.plan import BookedBreach, SignedWaiver, booked_breaches, plan_rules, plan_vesting
from loans.queries.position import Position
from loans.queries.types import Debt
from portal.core.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class OldSchedule:
    """A schedule that another one replaced; `waiver` is what the plan that did so waived."""

    schedule_id: int
    title: str
    ended_on: date
    rows: tuple[PlanLine, ...]
    paid: Decimal
    waiver: SignedWaiver | None
    waived_on: date | None


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What the agreed plan is and what a breach would bring back."""

    opened_on: date
    returned: Decimal
    cure_days: int


def old_schedules(position: Position, on: date) -> list[OldSchedule]:
    """Superseded schedules, newest first; rows that still stand are in the current list."""
    closed = position.closed_on(on)
    superseded = []
    for schedule in position.schedules_on(on):
        rows = [
            row
            for row in position.instalments
            if row.schedule_id == schedule.pk and closed.get(row.pk) is not None
        ]
        if rows and schedule.superseded_on is not None:
            superseded.append(_old(position, schedule, rows))
    return superseded[::-1]


REPLACED: dict[str, tuple[str, str]] = {  # by what: the tag, and what became of what was unpaid
    Schedule.Kind.PLAN: ("已被替代", "并入新计划"),
    Schedule.Kind.BREACHED: ("已终止", "随方案终止，现已到期"),
    Schedule.Kind.RECOMPUTED: ("已重算", "按提前还款后的计划还"),
    Schedule.Kind.ACCELERATED: ("已提前到期", "已宣布提前到期"),
    "": ("已恢复", "按恢复的原计划还"),  # the plan was revoked: its predecessor is in force again
}


def _successor(position: Position, schedule: Schedule) -> Schedule | None:
    """What replaced a schedule; None where it was undone for its predecessor.

    What was only put beside it has replaced nothing.
    """
    in_force = position.schedules_on()
    if schedule not in in_force:
        return None
    later = in_force[in_force.index(schedule) + 1 :]
    return next((other for other in later if not other.only_adds), None)


def _old(position: Position, schedule: Schedule, rows: Sequence[Instalment]) -> OldSchedule:
    successor = _successor(position, schedule)
    tag, fate = REPLACED["" if successor is None else successor.kind]
    paid = {row.pk: _received(position, row.pk) for row in rows}
    lines = []
    for is_paid, group in groupby(rows, key=lambda row: paid[row.pk] >= row.total):
        same_state = list(group)
        received = sum((paid[row.pk] for row in same_state), ZERO)
        if is_paid:
            first, last = (wording.full_day(same_state[at].due_on) for at in (0, -1))
            span = first if first == last else f"{first} 至 {last}"
            lines.append(_line(same_state, received, "paid", "已还", "s", f"{span} 到期，已还清"))
        else:
            unpaid = sum((row.total for row in same_state), ZERO) - received
            note = f"已还 {wording.yuan(received)}，其余{fate}" if received else f"未还部分{fate}"
            lines.append(_line(same_state, unpaid, "void", tag, "", note))
    plan = successor if successor is not None and successor.is_plan else None
    waiver = None if plan is None else SignedWaiver.of(plan)
    return OldSchedule(
        schedule_id=schedule.pk,
        title="原计划" if schedule.kind == Schedule.Kind.ORIGINAL else schedule.get_kind_display(),
        ended_on=successor.opened_on if successor else schedule.superseded_on or schedule.opened_on,
        rows=tuple(lines),
        paid=sum(paid.values(), ZERO),
        waiver=waiver,
        waived_on=None if plan is None else plan.opened_on,
    )


def _line(
    rows: Sequence[Instalment], total: Decimal, state: str, tag: str, tone: str, note: str
) -> PlanLine:
    numbers = f"第 {rows[0].number}–{rows[-1].number} 期"
    title = numbers if len(rows) > 1 else f"第 {rows[0].number} 期"
    return PlanLine(0, None, total, state, tag, tone, note, title)


def _received(position: Position, instalment_id: int) -> Decimal:
    """Principal and interest paid in money; penalty is beside the schedule."""
    accounts = (
        *(Account.PRINCIPAL, Account.INTEREST),
        *(Account.KEPT_INTEREST, Account.KEPT_PENALTY),
    )
    return -sum(
        (
            position.total(instalment_id, account, kinds=(Entry.Kind.PAYMENT.value,))
            for account in accounts
        ),
        ZERO,
    )


def waived(position: Position) -> Decimal:
    """Everything waived for good so far: signed and run-on, less what breaches brought back."""
    return sum((position.total(row.pk, Account.WAIVER) for row in position.instalments), ZERO)


def plan_terms(position: Position, debt: Debt) -> PlanTerms | None:
    """The agreed plan in force, or None; its days are those of the rules it was executed under.

    How it stands, and by when to pay, its stage tells (loans.queries.stage).
    """
    vesting, rules = plan_vesting(position, debt.as_of), plan_rules(position, debt.as_of)
    if vesting is None or rules is None:
        return None
    return PlanTerms(
        opened_on=position.base(debt.as_of).opened_on,
        returned=vesting.returned,
        cure_days=rules.cure_days,
    )


def broken_plan(position: Position, on: date) -> BookedBreach | None:
    """The breach that the schedule in force comes from, if it comes from one."""
    if position.base(on).kind != Schedule.Kind.BREACHED:
        return None
    return booked_breaches(position, on)[-1]


@dataclass(frozen=True, slots=True)
class LifeSums:
    """What a loan cost in the end."""

    received: Decimal
    waived: Decimal
    interest: Decimal
    penalty: Decimal
    principal: Decimal


def life_sums(position: Position, payments: Sequence[Payment]) -> LifeSums:
    """received = principal + interest + penalty (+ fees), every part as paid in money.

    A payment from before a plan that bounced takes its parts back.
    """
    kinds = (Entry.Kind.PAYMENT.value, Entry.Kind.BOUNCE.value)

    def paid(*accounts: str) -> Decimal:
        return -sum(
            (
                position.total(row.pk, account, kinds=kinds)
                for row in position.instalments
                for account in accounts
            ),
            ZERO,
        )

    return LifeSums(
        received=sum((one.amount for one in payments if not one.is_reversed), ZERO),
        waived=waived(position),
        interest=paid(Account.INTEREST, Account.KEPT_INTEREST),
        penalty=paid(Account.PENALTY, Account.COMPOUND, Account.KEPT_PENALTY, Account.FEE),
        principal=paid(Account.PRINCIPAL),
    )


@dataclass(frozen=True, slots=True)
class Milestone:
    """One line of 回顾, as ui/_timeline.html takes it."""

    title: str
    on: date
    text: str
    tone: str = "ok"


def milestones(loan: Loan, position: Position, payments: Sequence[Payment]) -> list[Milestone]:
    """From the last payment back to the drawdown."""
    reached = [Milestone("借款发放", loan.drawdown_on, f"¥{wording.yuan(loan.principal)}")]
    titles: dict[str, str] = {
        Schedule.Kind.PLAN: "协商方案生效",
        Schedule.Kind.BREACHED: "方案因违约终止",
        Schedule.Kind.ACCELERATED: "宣布提前到期",
        Schedule.Kind.RECOMPUTED: "提前还款，计划重算",
        Schedule.Kind.ADDED: "有一笔款项重新应还",
    }
    for schedule in position.schedules_on():
        if schedule.kind in titles:
            waived = SignedWaiver.of(schedule).total if schedule.is_plan else ZERO
            text = f"减免 ¥{wording.yuan(waived)}" if waived else schedule.source
            tone = "ok" if schedule.kind in (Schedule.Kind.PLAN, "recomputed") else "wn"
            reached.append(Milestone(titles[schedule.kind], schedule.opened_on, text, tone))
    last_payment = next((milestone for milestone in payments if not milestone.is_reversed), None)
    if last_payment is not None and loan.settled_on is not None:
        reached.append(
            Milestone("还清最后一笔", last_payment.paid_on, f"¥{wording.yuan(last_payment.amount)}")
        )
    return sorted(reached, key=lambda milestone: milestone.on, reverse=True)
