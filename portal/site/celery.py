"""The Celery app: JSON only, late acknowledgement, and the beat schedule.

Redis is only a wake-up: every task here claims its work from the database, may run twice, and
loses nothing when a message is lost. No message carries a business deadline.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init, worker_process_init
from django.conf import settings
from django.utils.module_loading import import_string

from portal.site import parent_death

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.site.settings")


def every(seconds: int, task: str) -> dict[str, Any]:
    """A sweep that runs again and again; a message not fetched in time is dropped, not piled up."""
    return {"task": task, "schedule": float(seconds), "options": {"expires": seconds}}


app = Celery("kuanxi")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    result_backend=None,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=120,
    task_soft_time_limit=100,
    timezone="Asia/Shanghai",
    enable_utc=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": 300,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
    },
    # A request must never hang on publishing: see portal/core/nudge.py.
    task_publish_retry=False,
    task_default_queue="default",
    task_routes={
        "portal.tasks.deliver_due": {"queue": "notices"},
        "portal.tasks.release_stuck": {"queue": "notices"},
        "portal.tasks.ask_reports": {"queue": "notices"},
        # A check takes seconds of processor: workers of its own, so that it delays nobody's login code.
        "relief.tasks.check_evidence": {"queue": "checks"},
        "relief.tasks.check_pending_evidence": {"queue": "checks"},
        "relief.tasks.sweep_deadlines": {"queue": "deadlines"},
        "relief.tasks.watch_plans": {"queue": "deadlines"},
    },
    beat_schedule={
        "deliver-due": every(5, "portal.tasks.deliver_due"),
        "heartbeat": every(10, "portal.tasks.heartbeat"),
        "release-stuck": every(30, "portal.tasks.release_stuck"),
        "extend-chain": every(10, "portal.tasks.extend_chain"),
        "end-sessions": every(60, "portal.tasks.end_overdue_sessions"),
        "render-documents": every(15, "portal.tasks.render_pending_documents"),
        "check-files": every(15, "relief.tasks.check_pending_evidence"),
        "sweep-deadlines": every(15, "relief.tasks.sweep_deadlines"),
        "watch-plans": every(60, "relief.tasks.watch_plans"),
        "count-portfolio": every(15, "loans.tasks.count_portfolio"),
        "watch-calendar": every(3600, "portal.tasks.watch_calendar"),
        "make-exports": every(15, "relief.tasks.make_pending_exports"),
        "erase-approved": every(60, "relief.tasks.erase_approved"),
        "prove-trail": every(3600, "portal.tasks.prove_trail"),
        "purge-files": every(3600, "relief.tasks.purge_expired_evidence"),
    },
)
if settings.SMS_BACKEND == "aliyun":  # the one provider that can be asked
    app.conf.beat_schedule["ask-reports"] = every(20, "portal.tasks.ask_reports")
app.autodiscover_tasks()


def refuse_wrong_start(**kwargs: Any) -> None:
    """Worker and beat do not start where the web does not."""
    import_string("portal.site.checks.refuse_wrong_start")()


def end_with_the_worker(**kwargs: Any) -> None:
    """A pool's child ends with its worker, else it would go on with a task that the broker hands out again."""
    parent_death.die_with_parent()


worker_init.connect(refuse_wrong_start)
beat_init.connect(refuse_wrong_start)
worker_process_init.connect(end_with_the_worker)
