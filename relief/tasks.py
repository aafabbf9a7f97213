"""Sweeps of relief as Celery tasks: thin, safe to run twice, late, or at the same time."""

from __future__ import annotations

from celery import shared_task

from portal import clock
from relief.services import deadlines


@shared_task
def sweep_deadlines() -> int:
    """Handles what is due, but for the plans."""
    return deadlines.sweep(now=clock.now(), plans=False)


@shared_task
def watch_plans() -> int:
    """Reminds of, warns of and cures plans that are due to be looked at."""
    return deadlines.sweep_plans(now=clock.now())
