"""Takes due deliveries out of the outbox and sends them: at least once, and every end is visible.

A row is claimed by compare-and-set with a lease, sent outside any transaction under its own
public id, and recorded only by whoever still holds the lease. Redis holds no part of this.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, F, TextField, Value, When

from portal.core.models import Delivery
from portal.core.models.delivery import TOO_LATE
from portal.core.notifications import hours
from portal.core.notifications.channels import phone, sms
from portal.core.notifications.channels.base import ChannelAdapter, SendFailed, SendResult

logger = logging.getLogger(__name__)
Status, Failure = Delivery.Status, Delivery.Failure

LEASE = timedelta(seconds=150)  # longer than a task's hard time limit
BATCH = 50  # claimed at once: what a killed worker keeps others waiting for until its lease ends
PATIENCE = 20  # seconds one task goes on; the next one follows within seconds
MAX_ATTEMPTS = 8
BACK_OFF = tuple(
    timedelta(seconds=s) for s in (30, 120, 480, 1800, 3600, 7200, 14400)
)  # about 7.7 hours in all
UNWANTED = SendFailed("借款人已关闭短信，内容在应用内的消息里", permanent=True)
OUTDATED = SendFailed(TOO_LATE, permanent=True)
CODE_LIFE = timedelta(minutes=5)  # a login code that could not go out by then is useless


@dataclass(frozen=True, slots=True)
class Quiet:
    """It may not go at this hour."""

    until: datetime


Outcome = SendResult | Quiet | SendFailed


def deliver_due(now: datetime, *, seconds: float = PATIENCE) -> int:
    """Claim and send batch after batch until nothing is due or `seconds` have passed.

    Returns how many rows were taken. Memory does not grow with the queue: one batch at a time.
    """
    stop = time.monotonic() + seconds
    claimed = 0
    while time.monotonic() < stop and (ids := claim_due(now, BATCH)):
        claimed += len(ids)
        _deliver_batch(ids, now, stop)
    return claimed


def _deliver_batch(ids: Sequence[int], now: datetime, stop: float) -> None:
    """Send what was claimed; what a slow provider leaves no time for goes back at once.

    What a provider took is recorded before the next one goes. What never left this machine is
    recorded together at the end: should we die before, it is done again, and that shows nowhere.
    """
    rows = Delivery.objects.select_related("user").in_bulk(ids)
    rows_by_outcome: dict[Outcome, list[Delivery]] = {}
    for position, pk in enumerate(ids):
        if time.monotonic() >= stop:
            _give_back([rows[unsent_id] for unsent_id in ids[position:]])
            break
        outcome = _try(rows[pk], now)
        if isinstance(outcome, Quiet) or (isinstance(outcome, SendResult) and outcome.is_local):
            rows_by_outcome.setdefault(outcome, []).append(rows[pk])
        else:
            _finish([rows[pk]], outcome, now)
    for outcome, outcome_rows in rows_by_outcome.items():
        _finish(outcome_rows, outcome, now)


def _give_back(rows: Sequence[Delivery]) -> None:
    """Rows that we claimed and did not touch may be claimed again at once."""
    for lease in {row.lease_until for row in rows}:
        Delivery.objects.filter(
            pk__in=[row.pk for row in rows], status=Status.CLAIMED, lease_until=lease
        ).update(status=Status.PENDING, lease_until=None)


def claim_due(now: datetime, limit: int = BATCH) -> list[int]:
    """Claim at most `limit` due deliveries for one lease; the ids that are now ours.

    Two workers never get the same row: PostgreSQL locks the rows and skips those that another
    has locked; SQLite has one writer at a time, and this transaction is one from its first
    statement. Either way the rows are still pending when the one UPDATE comes.
    """
    with transaction.atomic():
        due_rows = Delivery.objects.due(now).order_by("-exempt", "next_attempt_at", "pk")
        if connection.features.has_select_for_update_skip_locked:
            due_rows = due_rows.select_for_update(skip_locked=True)
        ids = list(due_rows.values_list("pk", flat=True)[:limit])
        claimable = Delivery.objects.filter(pk__in=ids, status=Status.PENDING)
        if claimable.update(status=Status.CLAIMED, lease_until=now + LEASE) != len(ids):
            raise RuntimeError("a delivery was claimed twice")  # undone: nothing is ours
        return ids


def release_stuck(now: datetime) -> int:
    """Give back deliveries whose lease has run out (the worker died); returns how many.

    Whether the provider had got them is unknown: they go again under the same reference.
    """
    return Delivery.objects.filter(status=Status.CLAIMED, lease_until__lte=now).update(
        status=Status.PENDING, lease_until=None, next_attempt_at=now
    )


def deliver_one(delivery_id: int, now: datetime) -> str:
    """Send one claimed delivery and record what is known; returns its status afterwards.

    Quiet hours and the borrower's wish are judged here, at sending. Temporary failures wait 30 s
    to 4 h, eight attempts at most; then, or at once when permanent, it fails visibly and a missed
    SMS becomes a call.
    """
    claimed = Delivery.objects.select_related("user").filter(status=Status.CLAIMED)
    row = claimed.filter(pk=delivery_id).first()
    return _finish([row], _try(row, now), now) if row is not None else ""


def _try(row: Delivery, now: datetime) -> Outcome:
    """Judge a claimed row and send it if it may go; nothing is recorded."""
    if row.exempt and now >= row.created_at + CODE_LIFE:
        return SendFailed("验证码已过期，没有发送", permanent=True)
    if row.not_after is not None and now >= row.not_after:
        return OUTDATED
    if _unwanted(row):
        return UNWANTED
    if not row.exempt and not hours.may_disturb(now):
        return Quiet(until=hours.next_opening(now))
    try:
        receipt = channel_of(row).send(row, now=now)
    except SendFailed as failure:
        return failure
    except Exception as problem:  # a channel's bug must end in a visible state, not in a lost row
        logger.exception("delivery.crashed", extra={"delivery": row.public_id})
        return SendFailed(type(problem).__name__, permanent=False)
    return receipt


def _unwanted(row: Delivery) -> bool:
    """Whether this person has switched messages off since the row was written."""
    if row.channel != Delivery.Channel.SMS or row.exempt or row.mandatory or row.user is None:
        return False
    return not row.user.sms_enabled


def channel_of(row: Delivery) -> ChannelAdapter:
    """The channel a delivery goes through."""
    return sms.adapter() if row.channel == Delivery.Channel.SMS else phone.PhoneQueue()


def _finish(rows: Sequence[Delivery], outcome: Outcome, now: datetime) -> str:
    """Record one outcome for all of `rows`; a failure concerns one alone."""
    if isinstance(outcome, SendResult):
        return _record_sent(rows, outcome, now)
    if isinstance(outcome, Quiet):
        return _record(rows, status=Status.PENDING, next_attempt_at=outcome.until)
    (row,) = rows
    return _retry_or_fail(row, outcome, now)


def _record_sent(rows: Sequence[Delivery], receipt: SendResult, now: datetime) -> str:
    """The provider has it; a login code's text is not kept outside the demo."""
    text = Case(When(exempt=True, then=Value("")), default="text", output_field=TextField())
    forget = {} if settings.DEMO else {"text": text}
    return _record(
        rows,
        status=Status.DELIVERED if receipt.delivered else Status.SUBMITTED,
        provider_reference=receipt.reference[:80],
        attempts=F("attempts") + 1,
        submitted_at=now,
        finished_at=now if receipt.delivered else None,
        failure="",
        error="",
        **forget,
    )


def _retry_or_fail(row: Delivery, failure: SendFailed, now: datetime) -> str:
    """Wait and try again, or give up."""
    attempts = row.attempts + 1
    if failure.permanent or attempts >= MAX_ATTEMPTS:
        return _fail(row, failure, now)
    logger.warning("delivery.postponed", extra={"delivery": row.public_id, "attempts": attempts})
    return _record(
        [row],
        status=Status.PENDING,
        attempts=attempts,
        next_attempt_at=now + back_off(attempts),
        failure=Failure.TEMPORARY,
        error=failure.reason[:200],
    )


def back_off(attempts: int) -> timedelta:
    """The wait after the n-th failed attempt, ± 20 % so that rows do not return together."""
    wait = BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
    return wait * (800 + secrets.randbelow(401)) / 1000


def _fail(row: Delivery, failure: SendFailed, now: datetime) -> str:
    """Visibly not delivered; the next channel takes over in the same transaction."""
    logger.error("delivery.failed", extra={"delivery": row.public_id, "event": row.event})
    with transaction.atomic():
        status = _record(
            [row],
            status=Status.FAILED,
            attempts=row.attempts + 1,
            finished_at=now,
            failure=Failure.PERMANENT if failure.permanent else Failure.TEMPORARY,
            error=failure.reason[:200],
            text=row.text if settings.DEMO or not row.exempt else "",
        )
        if status == Status.FAILED and failure not in (UNWANTED, OUTDATED):
            call_instead(row, now=now)
    return status


def call_instead(row: Delivery, *, now: datetime) -> None:
    """A message that did not arrive becomes a call, unless the same notice is called anyway.

    Calls and login codes have no next channel. Twice is once.
    """
    if row.channel != Delivery.Channel.SMS or row.exempt:
        return
    if row.notice_id and Delivery.objects.filter(notice_id=row.notice_id, channel="phone").exists():
        return
    Delivery.objects.get_or_create(
        key=f"{row.key}:call",
        defaults={
            "user_id": row.user_id,
            "notice_id": row.notice_id,
            "channel": Delivery.Channel.PHONE,
            "event": row.event,
            "to": row.to,
            "text": f"短信没有送达，请打电话告知以下内容：\n{row.text}",
            "code": row.code,
            "about": row.about,
            "next_attempt_at": now,
            "not_after": row.not_after,
            "created_at": now,
            "fallback_of": row,
        },
    )


def _record(rows: Sequence[Delivery], *, status: str, **changes: object) -> str:
    """Write the outcome where the lease is still ours; elsewhere somebody else has the row now.

    All of `rows` were claimed at once, under one lease.
    """
    recorded = Delivery.objects.filter(
        pk__in=[row.pk for row in rows], status=Status.CLAIMED, lease_until=rows[0].lease_until
    ).update(status=status, lease_until=None, **changes)
    if recorded < len(rows):
        logger.warning(
            "delivery.lease_lost",
            extra={"delivery": rows[0].public_id, "of": len(rows), "lost": len(rows) - recorded},
        )
    return status if recorded else ""
