"""Begins the demo: the one place of it that reads and sets the clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from portal.core import clock
from portal.core.kernel.businesstime import in_shanghai
from portal.core.notifications import hours
from portal.site.demo import reset, seed

AFTER_OPENING = timedelta(minutes=30)


def open_demo(*, anew: bool = False) -> list[str]:
    """Seed an empty database, or wipe and seed; returns a line for each thing done, none if nothing was.

    Begun in the hours when no message may go out, the demo's clock goes on to 08:30, so that one
    sees messages arrive. RuleViolation outside the demo.
    """
    seed.check_demo()
    with transaction.atomic():
        if anew:
            reset.wipe()
        elif seed.is_seeded():
            return []
        return _play_from(clock.real_now() if anew else clock.now())


def _play_from(began: datetime) -> list[str]:
    """Seed at `began`, or at the next morning if that is in the night."""
    lines = []
    if not hours.may_disturb(began):
        morning = hours.next_opening(began) + AFTER_OPENING
        clock.advance_to(morning)
        lines.append(f"现在是夜间免打扰时段，演示时钟已拨到 {shown(morning)}")
        began = morning
    return lines + seed.seed(now=began)


def shown(instant: datetime) -> str:
    """An instant by the clock of Shanghai: 2026-11-24 08:30."""
    return f"{in_shanghai(instant):%Y-%m-%d %H:%M}"
