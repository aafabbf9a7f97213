"""How a plan stands on a date: kept, due soon, late, to be warned, ready for breach; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from loans.domain.plan_rules import PlanRules


class Reminder(StrEnum):
    """Which reminder an instalment is due for."""

    SOON = "soon"
    TODAY = "today"
    LATE = "late"


@dataclass(frozen=True)
class PlanDue:
    """One plan instalment that still owes something (yuan)."""

    number: int
    due_on: date
    owed: Decimal


@dataclass(frozen=True)
class PlanHealth:
    """What to do about a plan on one date; `next_check_on` is when to look again."""

    first_unpaid: PlanDue | None
    reminder: Reminder | None
    overdue: tuple[PlanDue, ...]
    must_warn: bool
    two_missed: bool
    next_check_on: date | None


NOTHING_OWED = PlanHealth(None, None, (), must_warn=False, two_missed=False, next_check_on=None)


def planned_reminders(
    unpaid: Sequence[PlanDue], since: date, on: date, rules: PlanRules
) -> list[tuple[Reminder, PlanDue]]:
    """What was to be said from a planned look `since` to `on`, both included, in order.

    Planned for 2026-12-23, looked at on 12-27 only: SOON, TODAY and LATE of the one due 12-26.
    """
    reminders: list[tuple[Reminder, PlanDue]] = []
    day: date | None = since
    while day is not None and day <= on and unpaid:
        reminder = _reminder(unpaid, day, rules)
        if reminder is not None and (reminder, unpaid[0]) not in reminders:
            reminders.append((reminder, unpaid[0]))
        day = _next_check(unpaid, day, rules)
    return reminders


def look_at(unpaid: Sequence[PlanDue], on: date, rules: PlanRules) -> PlanHealth:
    """Judges the unpaid instalments, oldest first, by the rules of their plan (relief/RULES.md §8).

    Due 2026-12-26: reminded 12-23 and 12-26, late on 12-27, warned on 12-29 (3 days after).
    """
    if not unpaid:
        return NOTHING_OWED
    first = unpaid[0]
    overdue = tuple(due for due in unpaid if due.due_on < on)
    missed = [due for due in overdue if rules.warning_on(due.due_on) <= on]
    return PlanHealth(
        first_unpaid=first,
        reminder=_reminder(unpaid, on, rules),
        overdue=overdue,
        must_warn=bool(missed),
        two_missed=len(missed) >= 2,
        next_check_on=_next_check(unpaid, on, rules),
    )


def _reminder(unpaid: Sequence[PlanDue], on: date, rules: PlanRules) -> Reminder | None:
    first = unpaid[0]
    if first.due_on < on:
        return Reminder.LATE
    if first.due_on == on:
        return Reminder.TODAY
    soon = first.due_on - timedelta(days=rules.plan_reminder_days)
    return Reminder.SOON if soon <= on else None


def _next_check(unpaid: Sequence[PlanDue], on: date, rules: PlanRules) -> date | None:
    offsets = (-rules.plan_reminder_days, 0, 1, rules.plan_grace_days)
    days = {due.due_on + timedelta(days=offset) for due in unpaid for offset in offsets}
    return min((day for day in days if day > on), default=None)
