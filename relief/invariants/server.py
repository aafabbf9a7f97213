"""The database server itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import connection

from relief.invariants.violation import Violation

SECONDS = 10
IDLE = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND state LIKE 'idle in transaction%%' AND now() - state_change > %s * interval '1 second'
"""


def idle_transactions(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """On PostgreSQL: nobody holds a transaction open without doing anything for 10 seconds."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(IDLE, [SECONDS])
        for (pid,) in cursor.fetchall():
            yield Violation(
                "I18", f"backend {pid}", f"idle in a transaction for over {SECONDS} seconds"
            )
