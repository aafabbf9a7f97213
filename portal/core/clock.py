"""The only reader of the machine's clock: business time, which a demo may move, and real time.

Business time stands still during one request or task, so that every part of it agrees. The demo
clock is read only when DEMO is on and never goes backwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.models import DemoClock


@dataclass
class _Moment:
    """An instant that is taken at first sight and then stands still."""

    instant: datetime | None = None


_held: ContextVar[_Moment | None] = ContextVar("held_moment", default=None)


def real_now() -> datetime:
    """The machine's time: for sessions, codes, throttles, leases of people and audit."""
    return timezone.now()  # noqa: TID251 - here real time enters; all others ask this module


def now() -> datetime:
    """Business time, aware: for deadlines, books and notices."""
    moment = _held.get()
    if moment is None:
        return _running()
    if moment.instant is None:
        moment.instant = _running()
    return moment.instant


def _running() -> datetime:
    """Real time, plus the demo's offset when DEMO is on."""
    if not settings.DEMO:
        return real_now()
    clock = DemoClock.objects.filter(pk=DemoClock.ONLY).first()
    return real_now() + clock.offset if clock else real_now()


def today() -> date:
    """The business date (账务日期) in Shanghai."""
    return business_date(now())


@contextmanager
def frozen(instant: datetime | None = None) -> Iterator[None]:
    """Business time stands still inside: at `instant`, or at the moment it is first asked for.

    Without `instant` a moment that is held already goes on (a request inside a frozen test).
    """
    outer = _held.get()
    token = _held.set(_Moment(instant or (outer.instant if outer else None)))
    try:
        yield
    finally:
        _held.reset(token)


def hold() -> None:
    """Freeze until `let_go`: for Celery, whose signals are no context manager."""
    _held.set(_Moment())


def let_go() -> None:
    _held.set(None)


def advance_to(instant: datetime) -> None:
    """Move the demo's business time forward to `instant`; RuleViolation outside DEMO or backwards."""
    if not settings.DEMO:
        raise RuleViolation("只有演示环境可以移动时间", code="not-demo")
    with transaction.atomic():
        DemoClock.objects.get_or_create(pk=DemoClock.ONLY)
        clock = DemoClock.objects.select_for_update().get(pk=DemoClock.ONLY)
        real = real_now()
        if instant < real + clock.offset:
            raise RuleViolation(
                "演示时间只能向前，不能倒退；要回到开始请重置演示数据", code="clock-backwards"
            )
        clock.offset = instant - real
        clock.save(update_fields=["offset"])
    moment = _held.get()
    if moment is not None:
        moment.instant = instant
