"""Rate limits counted in the database, in real time, so that losing Redis lifts none of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from portal.core.models import Throttle

KEEP = timedelta(days=2)  # longer than the longest window


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` attempts in any `window`."""

    count: int
    window: timedelta


def attempt(scope: str, subject: str, limits: Sequence[Limit], *, now: datetime) -> datetime | None:
    """Count one attempt of `subject`; None if allowed, else the instant from which it is again.

    A refused attempt is not counted: waiting always helps. Runs in a transaction of its own, so
    that what the caller raises afterwards does not uncount it; never call it inside one.
    """
    hashed = _hashed(scope, subject)
    with transaction.atomic():
        _serialise(hashed)
        free_at = blocked_until(scope, subject, limits, now=now)
        if free_at is not None:
            return free_at
        Throttle.objects.create(scope=scope, subject=hashed, at=now)
    return None


def blocked_until(
    scope: str, subject: str, limits: Sequence[Limit], *, now: datetime
) -> datetime | None:
    """The instant from which `subject` may try again, None if it may now; counts nothing."""
    rows = Throttle.objects.filter(scope=scope, subject=_hashed(scope, subject))
    for limit in limits:
        times = rows.filter(at__gt=now - limit.window).order_by("-at")
        oldest = times.values_list("at", flat=True)[limit.count - 1 : limit.count].first()
        if oldest is not None:
            return oldest + limit.window
    return None


def seconds_until(free_at: datetime, *, now: datetime) -> int:
    """Whole seconds to wait, one at least: for Retry-After and the sentence."""
    return max(1, math.ceil((free_at - now).total_seconds()))


def wait_words(free_at: datetime, *, now: datetime) -> str:
    """How long to wait in a person's words: "45 秒", "约 3 分钟"."""
    seconds = seconds_until(free_at, now=now)
    return f"{seconds} 秒" if seconds <= 60 else f"约 {math.ceil(seconds / 60)} 分钟"


def attempts_left(scope: str, subject: str, limit: Limit, *, now: datetime) -> int:
    """How many attempts the limit still allows."""
    rows = Throttle.objects.filter(scope=scope, subject=_hashed(scope, subject))
    return max(0, limit.count - rows.filter(at__gt=now - limit.window).count())


def forgive(scope: str, subject: str) -> None:
    """Forget the attempts of a subject that has proven itself."""
    Throttle.objects.filter(scope=scope, subject=_hashed(scope, subject)).delete()


def take_back(scope: str, subject: str) -> None:
    """Uncount the latest attempt: it was no failure."""
    rows = Throttle.objects.filter(scope=scope, subject=_hashed(scope, subject))
    latest = rows.order_by("-at", "-pk").values_list("pk", flat=True).first()
    if latest is not None:
        Throttle.objects.filter(pk=latest).delete()


def forget_old(*, now: datetime) -> int:
    """Delete rows that no window can reach any more; returns how many."""
    return Throttle.objects.filter(at__lt=now - KEEP).delete()[0]


def _hashed(scope: str, subject: str) -> str:
    """A keyed hash, so that the table holds no phone and no address."""
    return salted_hmac("portal.throttles", f"{scope}:{subject}", algorithm="sha256").hexdigest()


def _serialise(hashed: str) -> None:
    """Lock the subject for this transaction (PostgreSQL); on SQLite an immediate transaction is alone anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(hashed[:15], 16)])
