"""The working-day calendar as filled by the migration (relief/RULES.md §4)."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.calendar import days as calendar
from portal.core.kernel.workdays import WorkCalendar
from portal.core.models import WorkDay
from portal.core.trail import row_triggers

VECTORS = [
    ("2026-02-12", "2026-02-13", "2026-02-14"),
    ("2026-02-13", "2026-02-14", "2026-02-24"),
    ("2026-02-15", "2026-02-24", "2026-02-25"),
    ("2025-12-31", "2026-01-04", "2026-01-05"),
    ("2026-04-30", "2026-05-06", "2026-05-07"),
    ("2026-09-24", "2026-09-28", "2026-09-29"),
    ("2026-09-30", "2026-10-08", "2026-10-09"),
]
OFF_2027 = [
    *[f"2027-01-0{n}" for n in (1, 2, 3)],
    *[f"2027-02-{n:02}" for n in range(5, 13)],
    *[f"2027-04-0{n}" for n in (3, 4, 5)],
    *[f"2027-05-0{n}" for n in range(1, 6)],
    "2027-06-09",
    "2027-09-15",
    *[f"2027-10-0{n}" for n in range(1, 8)],
]


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.django_db
@pytest.mark.parametrize(("submitted", "first", "second"), VECTORS)
def test_second_working_day(submitted: str, first: str, second: str) -> None:
    days = calendar.load_calendar()

    assert days.add_working_days(day(submitted), 1) == day(first)
    assert days.add_working_days(day(submitted), 2) == day(second)
    assert days.working_days_between(day(submitted), day(second)) == 2


@pytest.mark.django_db
def test_2027_is_there_and_provisional() -> None:
    days = calendar.load_calendar()

    assert not any(days.is_working(day(text)) for text in OFF_2027)
    assert days.is_working(day("2027-01-04"))
    assert not days.is_working(day("2027-01-09"))  # make-up days are unknown: no Saturday works
    assert days.is_provisional(day("2027-03-01"))
    assert not days.is_provisional(day("2026-02-14"))
    assert sum(1 for _ in WorkDay.objects.filter(date__year=2027)) == 365


@pytest.mark.django_db
def test_outside_the_table_it_is_monday_to_friday_and_says_so() -> None:
    days = calendar.load_calendar()

    assert days.is_working(day("2031-10-01"))
    assert days.is_provisional(day("2031-10-01"))
    assert days.add_working_days(day("2030-12-31"), 2) == day("2031-01-02")


@pytest.mark.django_db
def test_official_days_replace_provisional_ones_only() -> None:
    WorkDay.objects.filter(date="2026-02-14").update(kind="off", source="provisional")
    WorkDay.objects.filter(date="2026-03-02").update(kind="off", name="校正")

    assert calendar.fill_year(2026) == 1
    assert calendar.fill_year(2026) == 0
    assert calendar.seed_calendar() == 0

    assert WorkDay.objects.get(date="2026-02-14").kind == "work"
    assert WorkDay.objects.get(date="2026-03-02").kind == "off"


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(1, 30))
@settings(max_examples=60)
def test_adding_and_counting_agree(start: date, n: int) -> None:
    days = WorkCalendar({day("2026-02-14"): True, day("2026-02-16"): False})

    end = days.add_working_days(start, n)

    assert days.is_working(end)
    assert days.working_days_between(start, end) == n
    assert days.working_days_between(end, start) == 0


# --- Kept in memory by the version of its table --------------------------------------------------


@pytest.mark.django_db
def test_days_are_read_once_and_every_change_of_the_table_is_seen(
    django_assert_num_queries,
) -> None:
    calendar.load_calendar()
    with django_assert_num_queries(1) as seen:
        before = calendar.load_calendar()
    assert "portal_workday" not in seen[0]["sql"]
    monday = day("2026-03-02")
    assert before.is_working(monday)

    changed_day = WorkDay.objects.filter(date=monday)
    changed_day.update(kind="off")
    assert not calendar.load_calendar().is_working(monday)
    changed_day.get().delete()
    assert calendar.load_calendar().is_provisional(monday)
    WorkDay.objects.bulk_create([WorkDay(date=monday, kind="off", source="official")])
    assert not calendar.load_calendar().is_working(monday)
    with connection.cursor() as cursor:  # past every model of ours
        cursor.execute("UPDATE portal_workday SET kind = 'work' WHERE date = '2026-03-02'")
    assert calendar.load_calendar().is_working(monday)


@pytest.mark.django_db
def test_what_was_rolled_back_is_never_taken_for_what_came_after() -> None:
    monday = day("2026-03-02")
    before = transaction.savepoint()
    WorkDay.objects.filter(date=monday).update(kind="off")
    assert not calendar.load_calendar().is_working(monday)
    transaction.savepoint_rollback(before)

    assert calendar.load_calendar().is_working(monday)
    WorkDay.objects.filter(date=day("2026-03-03")).update(kind="off")
    assert calendar.load_calendar().is_working(monday)


@pytest.mark.django_db
def test_without_the_triggers_a_change_would_go_unseen() -> None:
    """The proof that the two tests above see what they are there for."""
    monday = day("2026-03-02")
    calendar.load_calendar()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER portal_workday_update_renews")
        else:
            cursor.execute("ALTER TABLE portal_workday DISABLE TRIGGER portal_workday_renews")
    WorkDay.objects.filter(date=monday).update(kind="off")

    assert calendar.load_calendar().is_working(monday)
    assert not calendar._read_calendar().is_working(monday)


@pytest.mark.django_db
def test_changes_past_the_triggers_of_sqlite_are_a_new_version_too() -> None:
    monday = day("2026-03-02")
    calendar.load_calendar()
    with row_triggers.lifted():
        WorkDay.objects.filter(date=monday).update(kind="off")
        if connection.vendor == "postgresql":
            return

    assert not calendar.load_calendar().is_working(monday)
