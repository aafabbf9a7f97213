"""Business time (账务时间): the zone, the date of an instant, an instant on a date, months added.

The one place that knows the zone; China has one, without summer time. What time it is now is
portal.core.clock's to say.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def in_shanghai(instant: datetime) -> datetime:
    """An aware instant as Shanghai's clocks show it: 2026-03-01T16:30Z is 2026-03-02 00:30."""
    return instant.astimezone(SHANGHAI)


def business_date(instant: datetime) -> date:
    """The business date (账务日期) of an aware instant: 2026-03-01T16:30Z is 2026-03-02."""
    return in_shanghai(instant).date()


def instant_at(day: date, clock_time: time = time(0)) -> datetime:
    """The instant at which Shanghai's clocks show `clock_time` on a business date; else its start."""
    return datetime.combine(day, clock_time, tzinfo=SHANGHAI)


def add_months(day: date, months: int, *, due_day: int | None = None) -> date:
    """The same day `months` later (earlier when negative), clipped to a shorter month's last day.

    `due_day` (1–31) takes the place of the day, so that a clipped one comes back: 2026-01-31 + 1
    is 2026-02-28, and 2026-02-28 + 1 with due_day=31 is 2026-03-31. Holidays never move it
    (loans/RULES.md §2). ValueError outside the years 1 to 9999.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day if due_day is None else due_day, last))
