"""Asks a provider what became of messages: its own reports may be unsigned, lost or never set up.

Early and often, then ever more rarely, until the rule of 72 hours ends it. A row is taken by
compare-and-set before the question, so that however many workers run, each is asked about once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from portal.core.models import Delivery
from portal.core.notifications import reports
from portal.core.notifications.channels import sms
from portal.core.notifications.channels.base import Answers, SendFailed

logger = logging.getLogger(__name__)

AGES = tuple(
    timedelta(minutes=m) for m in (1, 5, 30, 120, 360, 720, 1440, 2880, 4300)
)  # since submission; the last question comes 20 minutes before the 72 hours end
BATCH = 200  # questions a round, one after another: far below the provider's 5,000 a second
PATIENCE = 20  # seconds a round goes on; what it leaves is asked in the next
LEASE = timedelta(seconds=150)  # longer than a task's hard time limit
SILENT = 3  # questions in a row without an answer: the provider is down, the round ends


def ask_due(now: datetime, *, seconds: float = PATIENCE) -> int:
    """Ask about submitted messages whose time has come; returns how many were asked about.

    Nothing where the provider cannot be asked. No transaction is open during a question.
    """
    provider = sms.answering()
    if provider is None:
        return 0
    stop, silent = time.monotonic() + seconds, 0
    rows = _claim(now)
    for position, row in enumerate(rows):
        if silent >= SILENT or time.monotonic() >= stop:
            _give_back(rows[position:], now)
            return position
        silent = 0 if _ask(provider, row, now) else silent + 1
    return len(rows)


def next_question(submitted_at: datetime, now: datetime) -> datetime:
    """When to ask again: at the first of AGES that is still to come, then no more before 72 h."""
    ages = (age for age in AGES if submitted_at + age > now)
    return submitted_at + next(ages, reports.SILENCE)


def _claim(now: datetime) -> list[Delivery]:
    """Rows to ask about, the longest due first; nobody else asks while the lease lasts."""
    with transaction.atomic():
        due_rows = Delivery.objects.filter(
            Q(ask_at__lte=now) | Q(ask_at=None, submitted_at__lte=now - AGES[0]),
            channel=Delivery.Channel.SMS,
            status=Delivery.Status.SUBMITTED,
            submitted_at__gt=now - reports.SILENCE,
        ).order_by(Coalesce("ask_at", "submitted_at"), "pk")
        if connection.features.has_select_for_update_skip_locked:
            due_rows = due_rows.select_for_update(skip_locked=True)
        rows = list(due_rows[:BATCH])
        Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(ask_at=now + LEASE)
    return rows


def _ask(provider: Answers, row: Delivery, now: datetime) -> bool:
    """One question; whether there was an answer, be it that nothing is known yet."""
    try:
        report = provider.ask(row)
    except SendFailed as failure:
        logger.warning(
            "delivery.unanswered", extra={"delivery": row.public_id, "problem": failure.reason}
        )
        _ask_later(row, now)
        return False
    except Exception:  # an adapter's bug must not stand in front of all other rows for ever
        logger.exception("delivery.unanswered", extra={"delivery": row.public_id})
        _ask_later(row, now)
        return False
    if report is None:
        _ask_later(row, now)
    else:
        reports.take_answer(report, now=now)
    return True


def _ask_later(row: Delivery, now: datetime) -> None:
    """Set the next question, unless staff sent the message anew meanwhile."""
    same_submission = Delivery.objects.filter(pk=row.pk, submitted_at=row.submitted_at)
    same_submission.update(ask_at=next_question(row.submitted_at or now, now))


def _give_back(rows: Sequence[Delivery], now: datetime) -> None:
    """What was taken and not asked about is due again at once."""
    untouched = Delivery.objects.filter(pk__in=[row.pk for row in rows], ask_at=now + LEASE)
    untouched.update(ask_at=now)
