"""The service door: a transaction that the database gave up for another one is tried again."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection

P = ParamSpec("P")
R = TypeVar("R")
logger = logging.getLogger(__name__)
TRIES = 3
GIVEN_UP = frozenset({"40001", "40P01"})  # serialisation failure, deadlock found


def retried(service: Callable[P, R]) -> Callable[P, R]:
    """Runs a service again, whole, when its transaction lost to another: three times at most.

    Only SQLSTATE 40001 and 40P01: the database has rolled everything back, so nothing happens
    twice. Inside somebody else's transaction the error goes up to their door.
    """

    @wraps(service)
    def door(*args: P.args, **kwargs: P.kwargs) -> R:
        for turn in range(1, TRIES + 1):
            try:
                return service(*args, **kwargs)
            except OperationalError as lost:
                state = getattr(lost.__cause__, "sqlstate", None)
                if state not in GIVEN_UP or turn == TRIES or connection.in_atomic_block:
                    raise
                logger.warning(
                    "transaction.retried", extra={"service": service.__name__, "state": state}
                )
                time.sleep(random.uniform(0.01, 0.05) * turn)
        raise AssertionError("unreachable")

    return door
