"""Hurries a task after commit, by name; the sweep would run it anyway, so a dead broker is only logged.

A request must not wait for a broker that is gone or hangs: publishing has its own short timeouts,
no retries, and after a failure this process does not try again for a while.
"""

from __future__ import annotations

import logging
import time
from functools import lru_cache, partial
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.connection import Connection
from kombu.exceptions import OperationalError
from kombu.pools import producers

logger = logging.getLogger(__name__)

REST_SECONDS = 10  # after a failure; the sweeps run more often than that
_IMPATIENT = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "retry_on_timeout": False,
}
_resting_until = 0


def nudge(task: str, *args: Any) -> None:
    """Send `task` with JSON `args` once the transaction has committed; never raises, never waits long."""
    transaction.on_commit(partial(_send, task, args), robust=True)


@lru_cache(maxsize=1)
def _broker() -> Connection:
    """The impatient way to the broker; it names a pool and is never opened itself."""
    options = {**current_app.conf.broker_transport_options, **_IMPATIENT}
    broker: Connection = current_app.connection_for_write(transport_options=options)
    return broker


def _send(task: str, args: tuple[Any, ...]) -> None:
    global _resting_until
    if time.monotonic_ns() < _resting_until:
        return
    try:
        with producers[_broker()].acquire(block=True, timeout=1) as producer:
            current_app.send_task(task, args=args, producer=producer, retry=False, expires=300)
    except (OperationalError, OSError) as problem:
        _resting_until = time.monotonic_ns() + REST_SECONDS * 10**9
        logger.warning("nudge.lost", extra={"task": task, "problem": type(problem).__name__})
