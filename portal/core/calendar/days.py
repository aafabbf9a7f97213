"""Fills and reads the working-day calendar: official years from a package, then what is known.

A missing year never stops anything: it is Monday to Friday, and marked provisional.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import chinese_calendar
from django.db import transaction

from portal.core.kernel.workdays import WorkCalendar
from portal.core.models import CalendarVersion, WorkDay

SEEDED_YEARS = (2024, 2025, 2026, 2027)

# Festivals by law of years whose make-up days are not published yet (relief/RULES.md §4):
# (first day, last day, name), as month and day.
EXPECTED = {
    2027: (
        ((1, 1), (1, 3), "元旦"),
        ((2, 5), (2, 12), "春节"),
        ((4, 3), (4, 5), "清明"),
        ((5, 1), (5, 5), "劳动节"),
        ((6, 9), (6, 9), "端午"),
        ((9, 15), (9, 15), "中秋"),
        ((10, 1), (10, 7), "国庆节"),
    )
}


@dataclass(frozen=True, slots=True)
class Day:
    """One row of the calendar, before it is a row."""

    date: date
    kind: str
    name: str
    source: str


def days_of_year(year: int) -> tuple[Day, ...]:
    """Every day of `year`: official if the package knows it, else provisional without make-up days.

    2026-02-14 is (work, 春节调休, official); 2027-02-08 is (off, 春节, provisional).
    """
    start = date(year, 1, 1)
    dates = [start + timedelta(days=n) for n in range((date(year + 1, 1, 1) - start).days)]
    try:
        return tuple(_official(day) for day in dates)
    except NotImplementedError:  # how chinesecalendar says that it has no such year
        return tuple(_expected(day) for day in dates)


def _official(day: date) -> Day:
    """By the State Council's notice; NotImplementedError for years the package does not know."""
    is_off, festival = chinese_calendar.get_holiday_detail(day)
    chinese = chinese_calendar.Holiday(festival).chinese if festival else ""
    name = f"{chinese}调休" if chinese and not is_off else chinese
    return Day(day, "off" if is_off else "work", name, "official")


def _expected(day: date) -> Day:
    """By law and the days of the week; make-up days are unknown."""
    for first, last, name in EXPECTED.get(day.year, ()):
        if date(day.year, *first) <= day <= date(day.year, *last):
            return Day(day, "off", name, "provisional")
    return Day(day, "work" if day.weekday() < 5 else "off", "", "provisional")


def fill_year(year: int) -> int:
    """Write the days of `year`; official days replace provisional ones, never the reverse.

    Official rows, staff's own corrections among them, stay as they are. Returns how many rows
    were written. fill_year(2026) on an empty table is 365.
    """
    with transaction.atomic():
        stored_sources = dict(
            WorkDay.objects.filter(date__year=year).values_list("date", "source").iterator()
        )
        rows = [
            WorkDay(date=day.date, kind=day.kind, name=day.name, source=day.source)
            for day in days_of_year(year)
            if day.date not in stored_sources
            or (stored_sources[day.date] == WorkDay.Source.PROVISIONAL and day.source == "official")
        ]
        WorkDay.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["date"],
            update_fields=["kind", "name", "source"],
        )
    return len(rows)


def seed_calendar() -> int:
    """The years the product starts with: 2024–2026 official, 2027 provisional; rows written."""
    return sum(fill_year(year) for year in SEEDED_YEARS)


def load_calendar() -> WorkCalendar:
    """The calendar as pure value, one query; outside the table Monday to Friday, provisional.

    Its days are read once a process and version; the version is asked for every time.
    """
    mark = _mark()
    if mark in _read_calendars:
        return _read_calendars[mark]
    calendar = _read_calendar()
    if mark and mark == _mark():  # else it changed while it was read
        if len(_read_calendars) >= MOST_KEPT:
            _read_calendars.clear()
        _read_calendars[mark] = calendar
    return calendar


MOST_KEPT = 4
_read_calendars: dict[str, WorkCalendar] = {}  # by the mark of their version


def _mark() -> str:
    """The version of the table now; empty where nothing has been written since it is counted."""
    marks = CalendarVersion.objects.filter(pk=CalendarVersion.ONLY)
    return marks.values_list("mark", flat=True).first() or ""


def _read_calendar() -> WorkCalendar:
    rows = list(WorkDay.objects.values_list("date", "kind", "source").order_by())
    return WorkCalendar(
        days={day: kind == WorkDay.Kind.WORK for day, kind, _ in rows},
        provisional=frozenset(
            day for day, _, source in rows if source == WorkDay.Source.PROVISIONAL
        ),
    )
