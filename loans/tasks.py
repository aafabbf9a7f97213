"""Celery tasks of the books: thin, safe to run twice, late, or at the same time; none of them posts."""

from __future__ import annotations

from loans.services import portfolio
from portal.core import clock
from portal.core.background import task


@task
def count_portfolio() -> int:
    """Counts chunks of a portfolio report that was ordered; nothing to do without one."""
    return portfolio.count_chunks(now=clock.now(), real_now=clock.real_now())
