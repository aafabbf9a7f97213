"""How far the working-day calendar is known, and telling supervisors before it matters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Rank, Role, rank_at_least
from portal.core.models import User, WorkDay
from portal.core.notifications.outbox import notify

DAYS_AHEAD = 400  # that the table should reach ahead: a year, and time to import the next
OFFICIAL_AHEAD = 60  # of published days: promises are a few working days long


@dataclass(frozen=True, slots=True)
class Reach:
    """The last day before the first gap, and before the first day that is not official."""

    known_until: date | None
    official_until: date | None


def reach(today: date) -> Reach:
    """How far the calendar reaches from `today`; None when today itself is missing."""
    rows = WorkDay.objects.filter(date__gte=today).order_by("date")
    known_until = official_until = None
    for day, source in rows.values_list("date", "source"):
        if day != (known_until + timedelta(days=1) if known_until else today):
            break
        if official_until == known_until and source == WorkDay.Source.OFFICIAL:
            official_until = day
        known_until = day
    return Reach(known_until, official_until)


def days_ahead(today: date, until: date | None) -> int:
    """Whole days from `today` to the last known day; -1 when today is not known."""
    return -1 if until is None else (until - today).days


def warnings(today: date) -> list[tuple[str, str]]:
    """(key, sentence) for what staff have to do about the calendar; nothing when all is well."""
    problems, calendar_reach = [], reach(today)
    gap = (calendar_reach.known_until or today - timedelta(days=1)) + timedelta(days=1)
    if days_ahead(today, calendar_reach.known_until) < DAYS_AHEAD:
        problems.append(
            (
                f"gap:{gap.year}",
                f"工作日历从 {gap} 起没有数据，暂按周一至周五计算，请在“工作日历”里导入 {gap.year} 年的安排。",
            )
        )
    first_provisional = (calendar_reach.official_until or today - timedelta(days=1)) + timedelta(
        days=1
    )
    if days_ahead(today, calendar_reach.official_until) < OFFICIAL_AHEAD:
        problems.append(
            (
                f"provisional:{first_provisional.year}",
                f"{first_provisional} 起的工作日历是暂定的，没有调休上班日，"
                f"请在国务院公布后导入 {first_provisional.year} 年的安排。",
            )
        )
    return problems


def notify_staff(now: datetime) -> int:
    """Write one notice for each warning and supervisor, once a month; returns how many warnings."""
    today = business_date(now)
    problems = warnings(today)
    if problems:
        people = User.objects.filter(role=Role.STAFF, is_active=True)
        for person in people:
            if rank_at_least(person.rank, Rank.SUPERVISOR):
                for key, sentence in problems:
                    _notify(person, f"calendar:{key}:{today:%Y-%m}:{person.pk}", sentence, now)
    return len(problems)


def _notify(person: User, key: str, sentence: str, now: datetime) -> None:
    notify(
        event="staff_calendar",
        key=key,
        user=person,
        channels=(),
        context={"sentence": sentence},
        link="/admin/portal/workday/import/",
        category="system",
        now=now,
    )
