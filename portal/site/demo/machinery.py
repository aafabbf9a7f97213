"""State of the demo's background work: beat, worker, broker, queues, and what is due and not yet done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import redis
from django.conf import settings

from portal.core import clock
from portal.core.models import Delivery, Document
from portal.site.pages import health
from relief.cases.models import Deadline
from relief.evidence.models import Evidence

QUEUES = (
    ("default", "一般任务"),
    ("notices", "消息投递"),
    ("deadlines", "期限检查"),
    ("checks", "文件检查"),
)


@dataclass(frozen=True)
class Machinery:
    """Ages in whole seconds; None: never seen, or not to be reached."""

    beat_age: int | None
    queues: list[tuple[str, int]] | None
    due_notices: int
    due_deadlines: int
    unchecked_files: int
    unprinted_papers: int

    @property
    def is_alive(self) -> bool:
        """Beat and a worker have shown themselves lately."""
        return self.beat_age is not None and self.beat_age <= health.BEAT_MAX_AGE


def look(now: datetime) -> Machinery:
    """The state at this moment; an unreachable broker is a value, not an exception."""
    return Machinery(
        beat_age=health.beat_age(clock.real_now()),
        queues=queue_lengths(),
        due_notices=Delivery.objects.due(now).count(),
        due_deadlines=Deadline.objects.due(now).count(),
        unchecked_files=Evidence.objects.checking().count(),
        unprinted_papers=Document.objects.not_rendered().count(),
    )


def queue_lengths() -> list[tuple[str, int]] | None:
    """(name, messages waiting) of every queue; None when the broker does not answer."""
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=None
    )
    try:
        return [(label, int(client.llen(name))) for name, label in QUEUES]
    except (redis.RedisError, OSError):
        return None
    finally:
        client.close()
