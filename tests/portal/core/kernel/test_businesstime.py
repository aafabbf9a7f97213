"""The zone and the short-month rule: every date of the product rests on these."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.kernel.businesstime import add_months, business_date, in_shanghai, instant_at

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))
MONTHS = st.integers(-240, 240)


@pytest.mark.parametrize(
    ("utc", "day"),
    [
        ("2026-03-01T15:59:59.999999+00:00", date(2026, 3, 1)),
        ("2026-03-01T16:00:00+00:00", date(2026, 3, 2)),
        ("2026-02-12T17:00+00:00", date(2026, 2, 13)),
        ("1988-07-01T15:30:00+00:00", date(1988, 7, 2)),  # summer time of 1986–91
    ],
)
def test_business_date_is_shanghais(utc: str, day: date) -> None:
    assert business_date(datetime.fromisoformat(utc)) == day


@given(st.datetimes(datetime(1986, 1, 1), datetime(2040, 1, 1)).map(lambda d: d.replace(second=0)))  # noqa: DTZ001
@settings(max_examples=60)
def test_instant_and_business_date_agree(naive: datetime) -> None:
    instant = instant_at(naive.date(), naive.time())

    assert business_date(instant) == naive.date()
    assert in_shanghai(instant.astimezone(UTC)).date() == naive.date()


def test_a_day_starts_at_midnight_in_shanghai() -> None:
    assert instant_at(date(2026, 3, 2)) == datetime(2026, 3, 1, 16, tzinfo=UTC)
    assert instant_at(date(2026, 3, 2), time(18)) == datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "months", "due_day", "result"),
    [
        ("2026-01-31", 1, None, "2026-02-28"),
        ("2024-01-31", 1, None, "2024-02-29"),
        ("2026-11-30", 3, None, "2027-02-28"),
        ("2026-03-31", -1, None, "2026-02-28"),
        ("2026-01-15", -1, None, "2025-12-15"),
        ("2026-12-26", 1, None, "2027-01-26"),
        ("2026-02-28", 1, 31, "2026-03-31"),
        ("2026-01-05", 1, 30, "2026-02-28"),
        ("2026-02-28", 0, 31, "2026-02-28"),
    ],
)
def test_short_months(day: str, months: int, due_day: int | None, result: str) -> None:
    assert add_months(date.fromisoformat(day), months, due_day=due_day) == date.fromisoformat(
        result
    )


@given(DAYS, MONTHS)
def test_the_same_day_or_the_months_last(day: date, months: int) -> None:
    later = add_months(day, months)

    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (
        later.day < day.day and (later + timedelta(days=1)).month != later.month
    )


@given(DAYS, MONTHS)
def test_the_due_day_comes_back_after_a_short_month(day: date, months: int) -> None:
    assert add_months(add_months(day, months), -months, due_day=day.day) == day


@pytest.mark.parametrize("months", [-12, 12 * 8000])
def test_no_date_outside_the_calendar(months: int) -> None:
    with pytest.raises(ValueError, match="year"):
        add_months(date(1, 1, 31) if months < 0 else date(2026, 1, 31), months)
