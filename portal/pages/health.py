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

from portal import clock
from portal.models import Delivery, Heartbeat

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
    """Database, broker, age of the last beat and of the oldest due notice; 503 if one is bad."""
    report: dict[str, Any] = {"database": database_answers(), "broker": broker_answers()}
    if report["database"]:
        report["beat_age_seconds"] = beat_age(clock.real_now())
        report["oldest_due_notice_seconds"] = oldest_due_notice(clock.now())
    beat = report.get("beat_age_seconds")
    ready = (
        report["database"]
        and report["broker"]
        and beat is not None
        and beat <= BEAT_MAX_AGE
        and report["oldest_due_notice_seconds"] <= NOTICE_MAX_AGE
    )
    return JsonResponse(
        {"status": "ready" if ready else "not ready", **report}, status=200 if ready else 503
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
