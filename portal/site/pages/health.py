"""Liveness and readiness for whoever operates this: facts as JSON, no names, no amounts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from portal.core import clock
from portal.core.calendar.reach import days_ahead, reach
from portal.core.kernel.businesstime import business_date
from portal.core.models import Delivery, Heartbeat
from portal.core.probes import all_facts, all_probes

BEAT_MAX_AGE = 60  # seconds without a sign of life of beat and worker before /readyz says no
NOTICE_MAX_AGE = 300  # seconds a notice may be due without being sent before /readyz says no


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Database, broker, beat, the oldest due notice, the calendar and what apps add.

    503 if what the promises rest on is broken. Pages may work all the same: alarms ask this,
    a load balancer asks /healthz.
    """
    report: dict[str, Any] = {
        "database": database_answers(),
        "broker": broker_answers(),
        **all_facts(),
    }
    if report["database"]:
        report |= figures(clock.now(), clock.real_now())
    ready = report["broker"] and report["database"] and is_well(report)
    return JsonResponse(
        {"status": "ready" if ready else "not ready", **report}, status=200 if ready else 503
    )


def figures(now: datetime, real_now: datetime) -> dict[str, int | None]:
    """What the database says of the work that is done behind the pages; whole numbers."""
    today = business_date(now)
    calendar = reach(today)
    return {
        "beat_age_seconds": beat_age(real_now),
        "oldest_due_notice_seconds": oldest_due_notice(now),
        "calendar_days_ahead": days_ahead(today, calendar.known_until),
        "calendar_official_days_ahead": days_ahead(today, calendar.official_until),
        **{probe.name: probe.measure(now) for probe in all_probes()},
    }


def is_well(report: dict[str, Any]) -> bool:
    """Whether beat is alive, notices go out, and no app's own figure is over its limit."""
    beat = report["beat_age_seconds"]
    return (
        beat is not None
        and beat <= BEAT_MAX_AGE
        and report["oldest_due_notice_seconds"] <= NOTICE_MAX_AGE
        and not any(probe.is_bad(report[probe.name]) for probe in all_probes())
    )


def database_answers() -> bool:
    """One trivial query."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def broker_answers() -> bool:
    """A PING within one second."""
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=None
    )
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def beat_age(real_now: datetime) -> int | None:
    """Whole seconds since beat and a worker last showed themselves together; None if never."""
    latest = Heartbeat.objects.order_by("-at").values_list("at", flat=True).first()
    return None if latest is None else max(0, int((real_now - latest).total_seconds()))


def oldest_due_notice(now: datetime) -> int:
    """Whole seconds the longest-waiting due notice has waited; 0 if none waits."""
    due = (
        Delivery.objects.filter(status="pending", next_attempt_at__lte=now)
        .order_by("next_attempt_at")
        .values_list("next_attempt_at", flat=True)
        .first()
    )
    return 0 if due is None else int((now - due).total_seconds())
