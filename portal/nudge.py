"""Hurries a task after commit, by name; the sweep would run it anyway, so a dead broker is only logged."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def nudge(task: str, *args: Any) -> None:
    """Send `task` with JSON `args` once the transaction has committed; never raises, never waits long."""
    transaction.on_commit(partial(_send, task, args), robust=True)


def _send(task: str, args: tuple[Any, ...]) -> None:
    try:
        current_app.send_task(task, args=args, retry=False, ignore_result=True, expires=300)
    except (OperationalError, OSError) as problem:
        logger.warning("nudge.lost", extra={"task": task, "problem": type(problem).__name__})
