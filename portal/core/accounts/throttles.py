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
MAX_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` attempts in any `window`."""

    count: int
    window: timedelta

    def free_at(self, newest_first: Sequence[datetime]) -> datetime | None:
        """The instant from which there may be another attempt; None if there may be one now."""
        is_full = len(newest_first) >= self.count
        return newest_first[self.count - 1] + self.window if is_full else None


@dataclass(frozen=True, slots=True)
class GrowingDelay:
    """`count` attempts at once; then a wait before each one more, twice as long as the one before.

    Nobody is ever shut out for longer than `longest`. Attempts are forgotten after `window`.
    Example: 5, 1 minute, 15 minutes → after the fifth attempt 1 minute, then 2, 4, 8, 15, 15, …
    """

    count: int
    first: timedelta
    longest: timedelta
    window: timedelta

    def free_at(self, newest_first: Sequence[datetime]) -> datetime | None:
        """As in Limit; the instant may have passed."""
        over = len(newest_first) - self.count
        if over < 0:
            return None
        wait: timedelta = self.first * 2 ** min(over, MAX_DOUBLINGS)
        return newest_first[0] + min(wait, self.longest)


@dataclass(frozen=True, slots=True)
class CountedAttempts:
    """Whose attempts are counted, and what they may be at most."""

    scope: str
    subject: str
    limits: Sequence[Limit | GrowingDelay]

    @property
    def hashed(self) -> str:
        return hashed(self.scope, self.subject)


def attempt(
    scope: str, subject: str, limits: Sequence[Limit | GrowingDelay], *, now: datetime
) -> datetime | None:
    """Count one attempt of `subject`; None if allowed, else the instant from which it is again.

    A refused attempt is not counted: waiting always helps. Runs in a transaction of its own, so
    that what the caller raises afterwards does not uncount it; never call it inside one.
    """
    refused = attempt_all([CountedAttempts(scope, subject, limits)], now=now)
    return refused[1] if refused else None


def attempt_all(
    all_counted: Sequence[CountedAttempts], *, now: datetime
) -> tuple[CountedAttempts, datetime] | None:
    """As `attempt`, counted in several places or, when one of them refuses, in none.

    Returns which place refused, and the instant from which it does not any more.
    """
    with transaction.atomic():
        for hashed_subject in sorted(counted.hashed for counted in all_counted):
            _serialise(hashed_subject)
        for counted in all_counted:
            free_at = blocked_until(counted.scope, counted.subject, counted.limits, now=now)
            if free_at is not None:
                return counted, free_at
        Throttle.objects.bulk_create(
            Throttle(scope=counted.scope, subject=counted.hashed, at=now) for counted in all_counted
        )
    return None


def blocked_until(
    scope: str, subject: str, limits: Sequence[Limit | GrowingDelay], *, now: datetime
) -> datetime | None:
    """The instant from which `subject` may try again, None if it may now; counts nothing."""
    instants = [
        free_at
        for limit in limits
        if (free_at := limit.free_at(_attempts(scope, subject, limit, now=now)))
    ]
    return max((free_at for free_at in instants if free_at > now), default=None)


def _attempts(
    scope: str, subject: str, limit: Limit | GrowingDelay, *, now: datetime
) -> list[datetime]:
    """When the attempts that the limit looks at were made, newest first."""
    rows = Throttle.objects.filter(scope=scope, subject=hashed(scope, subject))
    recent = rows.filter(at__gt=now - limit.window).order_by("-at")
    return list(recent.values_list("at", flat=True)[: limit.count + MAX_DOUBLINGS])


def seconds_until(free_at: datetime, *, now: datetime) -> int:
    """Whole seconds to wait, one at least: for Retry-After and the sentence."""
    return max(1, math.ceil((free_at - now).total_seconds()))


def try_again_words(free_at: datetime, *, now: datetime) -> str:
    """When one may try again, in a person's words: "请 45 秒后再试", "请约 3 分钟后再试"."""
    seconds = seconds_until(free_at, now=now)
    if seconds <= 60:
        return f"请 {seconds} 秒后再试"
    hours, minutes = divmod(math.ceil(seconds / 60), 60)
    parts = [f"{hours} 小时"] * bool(hours) + [f"{minutes} 分钟"] * bool(minutes)
    return f"请约 {' '.join(parts)}后再试"


def attempts_left(scope: str, subject: str, limit: Limit | GrowingDelay, *, now: datetime) -> int:
    """How many attempts may follow at once."""
    return max(0, limit.count - len(_attempts(scope, subject, limit, now=now)))


def forgive(scope: str, subject: str) -> None:
    """Forget the attempts of a subject that has proven itself."""
    Throttle.objects.filter(scope=scope, subject=hashed(scope, subject)).delete()


def take_back(scope: str, hashed_subject: str) -> None:
    """Uncount the latest attempt: it was no failure."""
    rows = Throttle.objects.filter(scope=scope, subject=hashed_subject)
    latest = rows.order_by("-at", "-pk").values_list("pk", flat=True).first()
    if latest is not None:
        Throttle.objects.filter(pk=latest).delete()


def forget_old(*, now: datetime) -> int:
    """Delete rows that no window can reach any more; returns how many."""
    return Throttle.objects.filter(at__lt=now - KEEP).delete()[0]


def hashed(scope: str, subject: str) -> str:
    """A keyed hash, so that the table holds no phone and no address."""
    return salted_hmac("portal.throttles", f"{scope}:{subject}", algorithm="sha256").hexdigest()


def _serialise(hashed_subject: str) -> None:
    """Lock the subject for this transaction (PostgreSQL); on SQLite an immediate transaction is alone anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(hashed_subject[:15], 16)])
