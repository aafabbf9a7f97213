"""When a message or call may go out: 08:00–22:00 in Shanghai (GB/T 45251-2025)."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from portal.core.kernel.businesstime import business_date, in_shanghai, instant_at

OPENS, CLOSES = time(8), time(22)
SPAN = f"{OPENS:%H:%M}–{CLOSES:%H:%M}"


def may_disturb(now: datetime) -> bool:
    """Whether `now` lies in [08:00, 22:00) in Shanghai."""
    return OPENS <= in_shanghai(now).time() < CLOSES


def next_opening(now: datetime) -> datetime:
    """The next 08:00 in Shanghai at or after `now`: from 22:30 it is tomorrow's."""
    day = business_date(now)
    opening = instant_at(day, OPENS)
    return opening if now <= opening else instant_at(day + timedelta(days=1), OPENS)
