"""Deadlines by the State Council's calendar: the vectors of relief/RULES.md §4."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import chinese_calendar
import pytest

from portal.core.kernel.businesstime import SHANGHAI, add_months, instant_at
from portal.core.kernel.workdays import WorkCalendar
from relief.cases.policy import ReliefPolicy
from relief.cases.timing import deadlines
from relief.cases.timing.deadlines import DueKind
from relief.cases.workflow import Promise
from relief.plans.health import PlanDue, Reminder, look_at

POLICY = ReliefPolicy()
FIRST, LAST = date(2025, 12, 1), date(2026, 12, 31)
CALENDAR = WorkCalendar(
    {
        day: chinese_calendar.is_workday(day)
        for day in (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1))
    }
)
VECTORS = [
    ("2026-02-12", "2026-02-13", "2026-02-14"),
    ("2026-02-13", "2026-02-14", "2026-02-24"),
    ("2026-02-15", "2026-02-24", "2026-02-25"),
    ("2025-12-31", "2026-01-04", "2026-01-05"),
    ("2026-04-30", "2026-05-06", "2026-05-07"),
    ("2026-09-24", "2026-09-28", "2026-09-29"),
    ("2026-09-30", "2026-10-08", "2026-10-09"),
]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(("day", "first", "second"), VECTORS)
@pytest.mark.parametrize("clock", ["00:00", "10:00", "17:59", "23:59"])
def test_review_is_due_at_six_on_the_second_working_day(
    day: str, first: str, second: str, clock: str
) -> None:
    target, due = deadlines.review_due(instant(f"{day}T{clock}"), 2, CALENDAR, POLICY)

    assert target == instant(f"{first}T18:00")
    assert due == instant(f"{second}T18:00")


def test_review_stores_amber_and_deadline() -> None:
    due = deadlines.due_for(Promise.REVIEW, instant("2026-03-02T10:00"), CALENDAR, POLICY)

    assert due is not None
    assert due.rows == (
        (DueKind.REVIEW_AMBER, instant("2026-03-03T18:00")),
        (DueKind.REVIEW_DUE, instant("2026-03-04T18:00")),
    )


@pytest.mark.parametrize(
    ("stopped", "left"),
    [("2026-02-12", 2), ("2026-02-13", 1), ("2026-02-14", 1), ("2026-02-26", 1)],
)
def test_working_days_left_when_the_clock_stops(stopped: str, left: int) -> None:
    due = instant("2026-02-14T18:00")

    assert deadlines.workdays_left(instant(f"{stopped}T12:00"), due, CALENDAR) == left


def test_one_day_left_has_no_amber() -> None:
    target, due = deadlines.review_due(instant("2026-02-25T09:00"), 1, CALENDAR, POLICY)

    assert target == due == instant("2026-02-26T18:00")
    assert deadlines.review_rows(target, due).rows == ((DueKind.REVIEW_DUE, due),)


@pytest.mark.parametrize(
    ("promise", "rows"),
    [
        (
            Promise.EVIDENCE,
            [("EVIDENCE_REMINDER", "2026-03-07T18:00"), ("EVIDENCE_DUE", "2026-03-09T18:00")],
        ),
        (
            Promise.OFFER_VALID,
            [("OFFER_REMINDER", "2026-03-08T18:00"), ("OFFER_DUE", "2026-03-09T18:00")],
        ),
        (Promise.REPLY, [("REPLY_DUE", "2026-03-04T18:00")]),
        (Promise.APPEAL, []),
    ],
)
def test_other_promises(promise: Promise, rows: list[tuple[str, str]]) -> None:
    due = deadlines.due_for(promise, instant("2026-03-02T10:00"), CALENDAR, POLICY)

    assert due is not None
    assert [(kind, when) for kind, when in due.rows] == [(k, instant(w)) for k, w in rows]


def test_appeal_is_fifteen_calendar_days() -> None:
    due = deadlines.due_for(Promise.APPEAL, instant("2026-03-02T10:00"), CALENDAR, POLICY)

    assert due is not None
    assert due.at == instant("2026-03-17T18:00")


def test_an_instant_as_people_read_it() -> None:
    instant = instant_at(date(2026, 11, 25), POLICY.deadline_time)

    assert deadlines.chinese(instant) == "11月25日 18:00"


PLAN = [PlanDue(n, add_months(date(2026, 12, 26), n - 1), Decimal("509.17")) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("on", "reminder", "warn", "two", "next_check"),
    [
        ("2026-12-01", None, False, False, "2026-12-23"),
        ("2026-12-23", Reminder.SOON, False, False, "2026-12-26"),
        ("2026-12-26", Reminder.TODAY, False, False, "2026-12-27"),
        ("2026-12-27", Reminder.LATE, False, False, "2026-12-29"),
        ("2026-12-29", Reminder.LATE, True, False, "2027-01-23"),
        ("2027-01-28", Reminder.LATE, True, False, "2027-01-29"),
        ("2027-01-29", Reminder.LATE, True, True, "2027-02-23"),
    ],
)
def test_a_plan_is_looked_at_on_its_days(
    on: str, reminder: Reminder | None, warn: bool, two: bool, next_check: str
) -> None:
    state = look_at(PLAN, date.fromisoformat(on), POLICY.plan_rules)

    assert (state.reminder, state.must_warn, state.two_missed) == (reminder, warn, two)
    assert state.next_check_on == date.fromisoformat(next_check)


def test_the_loan_page_names_the_day_on_which_the_clock_warns() -> None:
    for rules in (POLICY.plan_rules, replace(POLICY, plan_grace_days=8).plan_rules):
        warned_on = rules.warning_on(PLAN[0].due_on)

        assert look_at(PLAN, warned_on, rules).must_warn
        assert not look_at(PLAN, warned_on - timedelta(days=1), rules).must_warn


def test_a_paid_plan_needs_no_look() -> None:
    assert look_at([], date(2026, 12, 1), POLICY.plan_rules).next_check_on is None


@pytest.mark.parametrize(
    ("kind", "start", "due", "warned"),
    [
        (DueKind.REVIEW_DUE, "2026-12-29T10:00", "2026-12-31T18:00", False),
        (DueKind.REVIEW_DUE, "2026-12-31T10:00", "2027-01-05T18:00", True),
        (DueKind.REPLY_DUE, "2026-12-31T23:59", "2027-01-01T18:00", True),
        (DueKind.OFFER_DUE, "2026-12-31T10:00", "2027-01-07T18:00", False),
        (DueKind.PLAN_CHECK, "2026-12-31T10:00", "2027-01-07T18:00", False),
    ],
)
def test_only_working_day_deadlines_depend_on_the_calendar(
    kind: DueKind, start: str, due: str, warned: bool
) -> None:
    said = deadlines.provisional_note(instant(start), instant(due), kind, CALENDAR)

    assert bool(said) is warned
    assert ("2027年1月1日起未公布" in said) is warned
