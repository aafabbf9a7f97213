"""Figures with labels for /metrics: what waits, for how long, and what became of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import redis
from django.conf import settings
from django.db.models import Count, Min

from portal.core.models import Delivery, PhoneTask
from portal.site.celery import app

Gauge = tuple[str, dict[str, str], int]


def lines(now: datetime) -> str:
    """In the text format of Prometheus, each name with its type before its first line."""
    gauge_lines: list[str] = []
    names: set[str] = set()
    for name, labels, value in _all(now):
        if name not in names:
            names.add(name)
            gauge_lines.append(f"# TYPE kuanxi_{name} gauge\n")
        label = ",".join(f'{key}="{text}"' for key, text in labels.items())
        gauge_lines.append(
            f"kuanxi_{name}{{{label}}} {value}\n" if label else f"kuanxi_{name} {value}\n"
        )
    return "".join(gauge_lines)


def _all(now: datetime) -> Iterator[Gauge]:
    yield from _deliveries()
    yield from _oldest_due(now)
    yield from _calls(now)
    for queue, depth in queue_depths().items():
        yield "queue_messages", {"queue": queue}, depth


def _deliveries() -> Iterator[Gauge]:
    """How many deliveries are in each state; whatever was never seen is 0, not missing."""
    rows = Delivery.objects.order_by().values_list("channel", "status").annotate(n=Count("pk"))
    counted = Counter({(channel, status): n for channel, status, n in rows})
    for channel in Delivery.Channel.values:
        for status in Delivery.Status.values:
            labels = {"channel": channel, "status": status}
            yield "deliveries", labels, counted[channel, status]


def _oldest_due(now: datetime) -> Iterator[Gauge]:
    due = Delivery.objects.due(now).order_by().values_list("channel")
    first = dict(due.annotate(first=Min("next_attempt_at")))
    for channel in Delivery.Channel.values:
        yield "oldest_due_delivery_seconds", {"channel": channel}, _age(first.get(channel), now)


def _calls(now: datetime) -> Iterator[Gauge]:
    """Calls that staff have still to make."""
    waiting = PhoneTask.objects.filter(done_at=None)
    calls = waiting.aggregate(n=Count("pk"), first=Min("created_at"))
    yield "open_calls", {}, calls["n"]
    yield "oldest_open_call_seconds", {}, _age(calls["first"], now)


def _age(since: datetime | None, now: datetime) -> int:
    return max(0, int((now - since).total_seconds())) if since else 0


def queue_depths() -> dict[str, int]:
    """How many messages lie in each queue of the broker; nothing if it does not answer."""
    routes = [str(route["queue"]) for route in app.conf.task_routes.values()]
    queues = list(dict.fromkeys([app.conf.task_default_queue, *routes]))
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=None
    )
    try:
        with client.pipeline(transaction=False) as pipeline:
            for queue in queues:
                pipeline.llen(queue)
            return dict(zip(queues, pipeline.execute(), strict=True))
    except (redis.RedisError, OSError):
        return {}
    finally:
        client.close()
