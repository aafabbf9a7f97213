"""Sweeps of relief as Celery tasks: thin, safe to run twice, late, or at the same time."""

from __future__ import annotations

from datetime import timedelta

from portal.core import clock
from portal.core.background import task
from relief.cases.timing import sweep
from relief.evidence import checks, reconcile, retention
from relief.presenters.own_data import parts_of
from relief.rights import erasure, exports


@task
def sweep_deadlines() -> int:
    """Handles what is due, but for the plans."""
    return sweep.sweep(now=clock.now(), plans=False)


@task
def watch_plans() -> int:
    """Reminds of, warns of and cures plans that are due to be looked at."""
    return sweep.sweep_plans(now=clock.now())


@task
def check_evidence(evidence_id: int) -> bool:
    """Checks one file soon after its upload."""
    return checks.check_file(evidence_id=evidence_id, now=clock.now()) is not None


@task
def check_pending_evidence() -> int:
    """Checks files whose task was lost."""
    return checks.check_pending(now=clock.now())


@task
def make_export(export_id: int) -> bool:
    """Makes one copy of somebody's data soon after it was asked for."""
    return exports.make_export(
        export_id=export_id, parts=parts_of, now=clock.now(), real=clock.real_now()
    )


@task
def make_pending_exports() -> int:
    """Makes the copies whose task was lost or whose worker died."""
    return exports.make_pending(parts=parts_of, now=clock.now(), real=clock.real_now())


@task
def erase_approved() -> int:
    """Erases what staff have approved, and owns up to requests that nobody answered in time."""
    erasure.own_up(now=clock.now())
    return erasure.erase_approved(now=clock.now())


@task
def purge_expired_evidence() -> int:
    """Deletes the bytes whose date has come, copies whose day is over, and files without a row."""
    reconcile.remove_orphans(before=clock.real_now() - timedelta(days=1))
    exports.end_overdue(real=clock.real_now())
    return retention.purge_expired_evidence(now=clock.now())
