"""The Celery app: JSON only, late acknowledgement, and the beat schedule.

Redis is only a wake-up: every task here claims its work from the database, may run twice, and
loses nothing when a message is lost. No message carries a business deadline.
"""

from __future__ import annotations

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

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
    # A request must never hang on publishing: see portal/nudge.py.
    task_publish_retry=False,
    task_default_queue="default",
    task_routes={
        "portal.tasks.deliver_due": {"queue": "notices"},
        "portal.tasks.release_stuck": {"queue": "notices"},
        "relief.tasks.sweep_deadlines": {"queue": "deadlines"},
        "relief.tasks.watch_plans": {"queue": "deadlines"},
    },
    beat_schedule={
        "deliver-due": {"task": "portal.tasks.deliver_due", "schedule": 5.0, "options": {"expires": 5}},
        "release-stuck": {"task": "portal.tasks.release_stuck", "schedule": 30.0, "options": {"expires": 30}},
        "heartbeat": {"task": "portal.tasks.heartbeat", "schedule": 10.0, "options": {"expires": 10}},
        "sweep-deadlines": {"task": "relief.tasks.sweep_deadlines", "schedule": 15.0, "options": {"expires": 15}},
        "watch-plans": {"task": "relief.tasks.watch_plans", "schedule": 60.0, "options": {"expires": 60}},
        "check-files": {"task": "relief.tasks.check_pending_evidence", "schedule": 15.0, "options": {"expires": 15}},
        "render-documents": {"task": "portal.tasks.render_pending_documents", "schedule": 15.0, "options": {"expires": 15}},
        "purge-files": {"task": "relief.tasks.purge_expired_evidence", "schedule": 3600.0, "options": {"expires": 3600}},
    },
)
app.autodiscover_tasks()
