"""When the plan of a case is looked at next, from what is unpaid on the books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from loans.domain.plan_rules import PlanRules
from loans.queries.debt import load_debt
from loans.queries.stage import Pair, PlanWatch
from loans.queries.types import Debt
from portal.core.kernel.businesstime import business_date, instant_at
from relief.cases.models import Case
from relief.cases.timing import deadlines
from relief.cases.timing.deadlines import DeadlineSet, DueKind
from relief.cases.workflow import IN_PLAN, State
from relief.plans import health as plan_health
from relief.plans.health import PlanDue, PlanHealth


def unpaid(case: Case, on: date) -> tuple[list[PlanDue], PlanRules] | None:
    """The plan instalments that still owe something, oldest first, and the rules of the plan."""
    return _unpaid(load_debt(case.loan, on))


def _unpaid(debt: Debt) -> tuple[list[PlanDue], PlanRules] | None:
    if debt.plan_rules is None:
        return None
    unpaid_rows = [
        PlanDue(row.number, row.due_on, row.total) for row in debt.instalments if row.total > 0
    ]
    return sorted(unpaid_rows, key=lambda row: row.due_on), debt.plan_rules


def health(case: Case, on: date) -> PlanHealth:
    """How the plan stands on a date, by the rules it was executed under."""
    open_plan = unpaid(case, on)
    if open_plan is None:
        return plan_health.NOTHING_OWED
    rows, rules = open_plan
    return plan_health.look_at(rows, on, rules)


def watches(pairs: Sequence[Pair]) -> dict[int, PlanWatch]:
    """What is known of the plans of these loans, by loan id, in one query (loans.queries.stage).

    The end of a cure is the instant stored with the warning, also when it was given late.
    """
    debts = {loan.pk: debt for loan, debt in pairs}
    cases = Case.objects.filter(loan__in=debts, state__in=sorted(IN_PLAN))
    watched = ((case.loan_id, watch_of(case, debts[case.loan_id])) for case in cases)
    return {loan_id: watch for loan_id, watch in watched if watch is not None}


def watch_of(case: Case, debt: Debt) -> PlanWatch | None:
    """By when to pay, by when to cure, and whether the plan may end: for pages, notices and acts.

    It may end once warned, with the cure over or two in a row missed (relief/RULES.md §8).
    """
    open_plan = _unpaid(debt)
    if open_plan is None:
        return None
    rows, rules = open_plan
    state = plan_health.look_at(rows, debt.as_of, rules)
    late = state.overdue[0] if state.overdue else None
    cure_by = business_date(case.cure_until) if case.cure_until is not None else None
    cure_over = cure_by is not None and debt.as_of > cure_by
    return PlanWatch(
        as_of=debt.as_of,
        pay_by=rules.warning_on(late.due_on) - timedelta(days=1) if late else None,
        cure_by=cure_by,
        two_missed=state.two_missed,
        may_end=case.state == State.WARNED and late is not None and (state.two_missed or cure_over),
    )


def plan_due(case: Case, now: datetime) -> DeadlineSet | None:
    """The next instalment's date for people, and the next look at 09:00 for the sweep."""
    return _due_of(health(case, business_date(now)))


def new_plan_due(
    rows: Sequence[Mapping[str, Any]], rules: PlanRules, now: datetime
) -> DeadlineSet | None:
    """The same for a plan that opens just now, from its stored rows: nothing is paid of it."""
    plan = [
        PlanDue(row["number"], date.fromisoformat(row["due_on"]), Decimal(row["total"]))
        for row in rows
    ]
    return _due_of(plan_health.look_at(plan, business_date(now), rules))


def _due_of(state: PlanHealth) -> DeadlineSet | None:
    if state.first_unpaid is None or state.next_check_on is None:
        return None
    return DeadlineSet(
        instant_at(state.first_unpaid.due_on, deadlines.DAY_END),
        DueKind.PLAN_CHECK,
        ((DueKind.PLAN_CHECK, instant_at(state.next_check_on, deadlines.MORNING)),),
    )


def cure_due(case: Case, rules: PlanRules, now: datetime) -> DeadlineSet:
    """The plan's days of cure from the warning, to the end of that day; it is looked at meanwhile.

    This instant, stored with the warning, is the cure's end for everybody, however late the warning
    is given. Warned on 2026-12-29, 10 days: until 2027-01-08 24:00, handled on 01-09 at 09:00.
    """
    today = business_date(now)
    last_day = rules.cure_until(today)
    rows = [(DueKind.CURE_DUE, instant_at(last_day + timedelta(days=1), deadlines.MORNING))]
    check_on = health(case, today).next_check_on
    if check_on is not None:
        rows.append((DueKind.PLAN_CHECK, instant_at(check_on, deadlines.MORNING)))
    return DeadlineSet(instant_at(last_day, deadlines.DAY_END), DueKind.CURE_DUE, tuple(rows))


def can_breach(case: Case, now: datetime) -> bool:
    """Whether staff may confirm a breach: the cure period is over, or two in a row are missed."""
    watch = watch_of(case, load_debt(case.loan, business_date(now)))
    return watch is not None and watch.may_end
