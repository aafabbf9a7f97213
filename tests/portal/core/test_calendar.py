"""The working-day calendar as filled by the migration (domain.md §6)."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.calendar import days as calendar
from portal.core.kernel.workdays import WorkCalendar
from portal.core.models import WorkDay

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


@pytest.mark.django_db
def test_loading_is_one_query(django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        calendar.load_calendar()


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(1, 30))
@settings(max_examples=60)
def test_adding_and_counting_agree(start: date, n: int) -> None:
    days = WorkCalendar({day("2026-02-14"): True, day("2026-02-16"): False})

    end = days.add_working_days(start, n)

    assert days.is_working(end)
    assert days.working_days_between(start, end) == n
    assert days.working_days_between(end, start) == 0
