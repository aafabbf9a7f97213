"""Celery tasks of the house: thin, safe to run twice, and at one business instant each."""

from __future__ import annotations

from typing import Any

from celery.signals import task_postrun, task_prerun

from portal.core import clock
from portal.core.accounts import drafts, parking, sessions, throttles, watch
from portal.core.background import task
from portal.core.calendar import reach as calendar_reach
from portal.core.documents import papers as documents
from portal.core.models import Heartbeat
from portal.core.notifications import dispatch, polling, reports
from portal.core.trail import chain


def connect_clock() -> None:
    """Freeze one business instant per task; called once by the app's ready()."""
    task_prerun.connect(_hold, dispatch_uid="portal.clock.hold")
    task_postrun.connect(_let_go, dispatch_uid="portal.clock.let_go")


def _hold(**kwargs: Any) -> None:
    clock.hold()


def _let_go(**kwargs: Any) -> None:
    clock.let_go()


@task
def deliver_due() -> int:
    """Send what is due; returns how many rows were taken."""
    return dispatch.deliver_due(clock.now())


@task
def release_stuck() -> int:
    """Give back what a dead worker had claimed; forget old drafts, throttles, parked forms, provider calls."""
    parking.forget_old()
    drafts.forget_old()
    throttles.forget_old(now=clock.real_now())
    reports.forget_calls(real=clock.real_now())
    reports.give_up_waiting(clock.now())
    return dispatch.release_stuck(clock.now())


@task
def extend_chain() -> int:
    """Link new rows of the audit trails; returns how many."""
    return chain.extend(clock.real_now())


@task
def prove_trail() -> int:
    """Prove the audit trails once a day; returns how many problems were found."""
    return watch.prove_trail(clock.real_now())


@task
def end_overdue_sessions() -> int:
    """End sessions that nobody came back to; returns how many."""
    return sessions.end_overdue()


@task
def ask_reports() -> int:
    """Ask the provider what became of submitted messages; returns how many were asked about."""
    return polling.ask_due(clock.now())


@task
def watch_calendar() -> int:
    """Tell supervisors when the working-day calendar does not reach far enough."""
    return calendar_reach.notify_staff(clock.now())


@task
def heartbeat() -> None:
    """Beat and a worker are alive, in real time."""
    Heartbeat.objects.update_or_create(name="beat", defaults={"at": clock.real_now()})


@task
def render_pending_documents() -> int:
    """Make the PDF of papers that were issued without one; returns how many were made."""
    return documents.render_pending(now=clock.now())


@task
def render_document(document_id: int) -> bool:
    """Make one PDF soon after its paper was issued."""
    return documents.render(document_id, now=clock.now())
