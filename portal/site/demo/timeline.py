"""The timeline of the demo: today, the days before it, the people, and delivery of past notices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from portal.core.calendar.days import load_calendar
from portal.core.kernel.businesstime import add_months, business_date, instant_at
from portal.core.kernel.workdays import WorkCalendar
from portal.core.models import User
from portal.core.notifications import dispatch

ACROSS_A_WEEKEND = 4  # days; behind a longer holiday the desk was open on an ordinary day


@dataclass(frozen=True)
class Timeline:
    """Everything a story needs: `now` is when it ends, all that happens lies before."""

    now: datetime
    calendar: WorkCalendar
    people: dict[str, User] = field(default_factory=dict)

    @classmethod
    def at(cls, now: datetime) -> Timeline:
        """A timeline whose today is the business date of `now`."""
        return cls(now=now, calendar=load_calendar())

    @property
    def today(self) -> date:
        return business_date(self.now)

    def ago(self, days: int) -> date:
        """The date so many calendar days before today."""
        return self.today - timedelta(days=days)

    def anchor(self, day: date) -> date:
        """`day`, or the 28th of its month: a due day that every month has."""
        return day.replace(day=min(day.day, 28))

    def desk_day(self, n: int) -> date:
        """The n-th last working day before today, on which staff did something.

        On Tuesday 2026-11-24: 1 is Monday the 23rd, 2 Friday the 20th. Behind a long holiday the
        day before stands in, so that no promise of a story has run out by today.
        """
        day = self.today
        for _ in range(n):
            before = day - timedelta(days=1)
            while not self.calendar.is_working(before):
                before -= timedelta(days=1)
            is_near = (day - before).days < ACROSS_A_WEEKEND
            day = before if is_near else day - timedelta(days=1)
        return day

    def working_day_before(self, day: date) -> date:
        """The last working day strictly before `day`."""
        before = day - timedelta(days=1)
        while not self.calendar.is_working(before):
            before -= timedelta(days=1)
        return before

    def working_day_after(self, day: date) -> date:
        """The first working day strictly after `day`."""
        return self.calendar.add_working_days(day, 1)


def moment(day: date, clock_time: str) -> datetime:
    """`moment(day, "10:05")` as an instant in Shanghai."""
    return instant_at(day, time.fromisoformat(clock_time))


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier (or that month's last)."""
    return add_months(day, -months)


def deliver(now: datetime) -> None:
    """Send what is due at `now`, as the worker would have done then."""
    while ids := dispatch.claim_due(now):
        for delivery_id in ids:
            dispatch.deliver_one(delivery_id, now)
