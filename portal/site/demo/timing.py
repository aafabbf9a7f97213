"""Moving the demo's clock: the target, the deadlines on the way, and whether they were handled."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from celery import current_app

from portal.core import clock
from portal.core.calendar.days import load_calendar
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date, instant_at
from portal.core.kernel.errors import InvalidInput
from portal.core.models import DemoClock
from portal.core.nudge import nudge
from relief.cases.models import Deadline
from relief.cases.timing.deadlines import DUE_LABELS, MORNING, DueKind

FARTHEST = timedelta(days=366)  # a jump; farther ahead no working days are known
WAIT_SECONDS = 3.0
LOOK_EVERY = 0.15  # seconds
NOT_A_SWEEP = "portal.tasks.heartbeat"


@dataclass(frozen=True)
class Fallen:
    """A stored deadline as the page names it."""

    at: datetime
    label: str
    who: str
    number: str
    done: bool


def ahead() -> str:
    """How far the demo is ahead of real time, in words: 3 天 2 小时; nothing below a minute."""
    row = DemoClock.objects.filter(pk=DemoClock.ONLY).first()
    minutes = int(row.offset.total_seconds()) // 60 if row else 0
    parts = ((minutes // 1440, "天"), (minutes // 60 % 24, "小时"), (minutes % 60, "分"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def next_deadline(now: datetime) -> Deadline | None:
    """The nearest stored deadline of cases, offers and plans that is still to come."""
    ahead = Deadline.objects.waiting().filter(due_at__gt=now).order_by("due_at", "pk")
    return ahead.select_related("case__borrower").first()


def coming(now: datetime, limit: int = 6) -> list[Fallen]:
    """The next deadlines, nearest first."""
    ahead = Deadline.objects.waiting().filter(due_at__gt=now).order_by("due_at", "pk")
    return [named(row) for row in ahead.select_related("case__borrower")[:limit]]


def fallen(limit: int = 6) -> list[Fallen]:
    """What fell due and was handled last, newest first."""
    handled = Deadline.objects.filter(handled_at__isnull=False).order_by("-handled_at", "-due_at")
    return [named(row) for row in handled.select_related("case__borrower")[:limit]]


def named(row: Deadline) -> Fallen:
    """A deadline with its Chinese name and whose it is."""
    return Fallen(
        at=row.due_at,
        label=DUE_LABELS[DueKind(row.kind)],
        who=row.case.borrower.masked_name,
        number=row.case.number,
        done=row.handled_at is not None,
    )


def target_of(to: str, day: str, now: datetime) -> datetime:
    """The instant that a button or the date field means; InvalidInput or RuleViolation if none.

    "day" is 24 hours on, "workday" the next working day at the same time, "deadline" the nearest
    stored one, "date" 09:00 of the date given.
    """
    if to == "day":
        return now + timedelta(days=1)
    if to == "workday":
        today = business_date(now)
        return now + (load_calendar().add_working_days(today, 1) - today)
    if to == "deadline":
        ahead = next_deadline(now)
        if ahead is None:
            raise RuleViolation("目前没有等待中的期限，可以用 +1 天，或填写日期")
        return ahead.due_at
    if to == "date":
        return _target_day(day, now)
    raise InvalidInput("to", "没有这个时钟按钮，请刷新页面")


def _target_day(text: str, now: datetime) -> datetime:
    try:
        day = date.fromisoformat(text.strip())
        target = instant_at(day, MORNING)
    except (ValueError, OverflowError):
        raise InvalidInput("date", "请填写日期，例如 2026-12-31") from None
    if target <= now:
        raise InvalidInput("date", "演示时间只能向前：请填写今天之后的日期，要回到开始请重置")
    if target - now > FARTHEST:
        raise InvalidInput("date", "一次最多向前一年，请填写近一些的日期")
    return target


def jump(target: datetime) -> list[Fallen]:
    """Move the clock, run beat's sweeps at once, and return what fell due on the way.

    Waits up to three seconds for the worker; what it has not done by then it does soon after.
    """
    due = list(Deadline.objects.due(target).values_list("pk", flat=True))
    clock.advance_to(target)
    for task in sweeps():
        nudge(task)
    _wait_until_handled(due)
    rows = Deadline.objects.filter(pk__in=due).select_related("case__borrower")
    return [named(row) for row in rows.order_by("due_at", "pk") if row.cancelled_at is None]


def sweeps() -> list[str]:
    """The names of beat's sweeps: deadlines first, then reports, then the notices they lead to."""
    names = {entry["task"] for entry in current_app.conf.beat_schedule.values()} - {NOT_A_SWEEP}
    order = ("relief", "loans", "portal")
    return sorted(names, key=lambda name: (order.index(name.partition(".")[0]), name))


def _wait_until_handled(pks: Sequence[int]) -> None:
    give_up = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < give_up and Deadline.objects.waiting().filter(pk__in=pks).exists():
        time.sleep(LOOK_EVERY)
