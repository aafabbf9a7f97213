"""Schedules as they are and were; superseded ones stay readable for ever."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from loans.models import Instalment, Loan, Schedule
from loans.queries.types import ScheduleView
from portal.core.kernel.money import ZERO


def current_schedule(loan: Loan) -> Schedule:
    """The schedule in force, with its instalments prefetched (two queries)."""
    return (
        Schedule.objects.filter(loan=loan, superseded_on__isnull=True)
        .prefetch_related("instalments")
        .get()
    )


def schedule_history(loan: Loan) -> list[ScheduleView]:
    """All schedules, oldest first, each with its instalments and their sum (two queries)."""
    rows: dict[int, list[Instalment]] = defaultdict(list)
    for row in Instalment.objects.filter(schedule__loan=loan).order_by("number"):
        rows[row.schedule_id].append(row)
    views = []
    for schedule in Schedule.objects.filter(loan=loan).order_by("number"):
        instalments = tuple(rows[schedule.pk])
        total: Decimal = sum((row.total for row in instalments), ZERO)
        views.append(ScheduleView(schedule=schedule, instalments=instalments, total=total))
    return views
