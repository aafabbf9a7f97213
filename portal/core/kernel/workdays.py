"""China's working days, 调休 included, as a pure calendar; it never guesses silently.

Outside the days it was given it answers Monday to Friday and says that this is provisional.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from portal.core.kernel.errors import InvalidInput

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """`days`: date → is a working day; `provisional`: dates or years not yet officially published."""

    days: Mapping[date, bool] = field(default_factory=dict)
    provisional: Container[date | int] = ()

    def is_working(self, day: date) -> bool:
        """Whether `day` is worked: 2026-02-14, a Saturday, is (调休); 2026-02-16 is not."""
        listed = self.days.get(day)
        return day.weekday() < 5 if listed is None else listed

    def is_provisional(self, day: date) -> bool:
        """Whether the answer for `day` may still change by the State Council's notice."""
        return day not in self.days or day in self.provisional or day.year in self.provisional

    def add_working_days(self, day: date, n: int) -> date:
        """The n-th working day strictly after `day` (relief/RULES.md §4); n = 0 is `day` itself.

        Submitted 2026-02-13: the first is 02-14 (worked Saturday), the second 02-24.
        """
        if n < 0:
            raise InvalidInput("n", "工作日天数不能是负数")
        while n:
            day += _DAY
            n -= self.is_working(day)
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """How many working days lie in (start, end]; 0 when end is not after start.

        From 2026-02-13 to 2026-02-24: 2 (02-14 and 02-24).
        """
        span = max(0, (end - start).days)
        return sum(self.is_working(start + _DAY * step) for step in range(1, span + 1))
