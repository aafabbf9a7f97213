"""Delivery reports of a provider: genuine, taken once, in any order; a status only moves forward."""

from __future__ import annotations

import hashlib
import hmac
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from portal.core.models import Delivery, ProviderCall
from portal.core.notifications.channels import sms
from portal.core.notifications.channels.base import Report
from portal.core.notifications.dispatch import call_instead
from portal.core.nudge import nudge

logger = logging.getLogger(__name__)
Status = Delivery.Status

WINDOW = timedelta(minutes=5)  # how far a call's timestamp may be from our clock
KEEP = timedelta(days=1)  # how long a call is remembered: far longer than it is accepted
SILENCE = timedelta(hours=72)  # carriers report within it or not at all
NO_REPORT = "72 小时内没有送达回执"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one call: reports of known messages, of unknown ones; or a repeated call."""

    known: int = 0
    unknown: int = 0
    repeated: bool = False


def signature_of(*, key: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of `<timestamp>.<body>` in hex: what the header X-Signature must say."""
    return hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def is_genuine(*, timestamp: str, signature: str, body: bytes, real: datetime) -> bool:
    """Whether somebody with SMS_CALLBACK_KEY signed this body within five minutes of `real`.

    `timestamp` is in whole seconds since 1970.
    """
    key = settings.SMS_CALLBACK_KEY
    if not key or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    if abs(int(real.timestamp()) - int(timestamp)) > WINDOW.total_seconds():
        return False
    expected = signature_of(key=key, timestamp=timestamp, body=body)
    return hmac.compare_digest(expected.encode(), signature.strip().lower().encode())


def take_reports(reports: Sequence[Report], *, digest: str, now: datetime, real: datetime) -> Taken:
    """Apply the reports of one genuine call; the same call (`digest`) twice is once.

    delivered ends in 已送达, whatever was known before; failed ends in 未送达 and a call, unless
    the message has ended already or was put back by staff. Two reports of one message come to
    the same in either order: the better one stands.
    """
    with transaction.atomic():
        _, is_new = ProviderCall.objects.get_or_create(digest=digest, defaults={"at": real})
        if not is_new:
            return Taken(repeated=True)
        known_count = sum(_apply(report, now) for report in reports)
    return Taken(known=known_count, unknown=len(reports) - known_count)


def take_answer(report: Report, *, now: datetime) -> bool:
    """Apply what the provider said when we asked it; whether the message is ours.

    It goes by the same rules as a report that came by itself, before or after it.
    """
    with transaction.atomic():
        return _apply(report, now)


def _apply(report: Report, now: datetime) -> bool:
    """Apply one report; whether its message is ours."""
    try:
        public_id = uuid.UUID(report.reference)
    except ValueError:
        return False
    rows = Delivery.objects.select_for_update(of=("self",)).filter(channel=Delivery.Channel.SMS)
    row = rows.filter(public_id=public_id).first()
    if row is None:
        return False
    change = _mark_delivered if report.delivered else _mark_failed
    changed = change(row, report, now)
    logger.info(
        "delivery.reported",
        extra={"delivery": row.public_id, "delivered": report.delivered, "changed": changed},
    )
    return True


def _mark_delivered(row: Delivery, report: Report, now: datetime) -> bool:
    """It arrived: nothing that came before, our own giving up among it, says otherwise."""
    return bool(
        Delivery.objects.filter(pk=row.pk)
        .exclude(status=Status.DELIVERED)
        .update(
            status=Status.DELIVERED,
            submitted_at=row.submitted_at or now,
            finished_at=now,
            lease_until=None,
            failure="",
            error="",
        )
    )


def _mark_failed(row: Delivery, report: Report, now: datetime) -> bool:
    """It did not arrive although the provider had it; the next channel takes over.

    A row that waits for its first attempt was put back by staff: an old report is not about it.
    """
    had_it = Q(status__in=[Status.SUBMITTED, Status.CLAIMED]) | Q(
        status=Status.PENDING, attempts__gt=0
    )
    changed = Delivery.objects.filter(had_it, pk=row.pk).update(
        status=Status.FAILED,
        failure=Delivery.Failure.PERMANENT,
        error=_printable(report.error) or "通道回执：未送达",
        submitted_at=row.submitted_at or now,
        finished_at=now,
        lease_until=None,
    )
    if changed:
        _call(row, now)
    return bool(changed)


def _printable(code: str) -> str:
    """A provider's code as text every database keeps: without NUL, half characters, line ends."""
    return "".join(sign for sign in code if sign.isprintable())[:200]


def give_up_waiting(now: datetime, *, limit: int = 200) -> int:
    """Messages without a report for 72 hours count as 未送达 and become calls; returns how many.

    Only where reports come or can be asked for. A later report still counts.
    """
    if not settings.SMS_CALLBACK_KEY and sms.answering() is None:
        return 0
    silent = Delivery.objects.filter(channel=Delivery.Channel.SMS, status=Status.SUBMITTED)
    silent = silent.filter(submitted_at__lte=now - SILENCE).order_by("pk")
    return sum(_give_up_on(row, now) for row in silent[:limit])


def _give_up_on(row: Delivery, now: datetime) -> bool:
    with transaction.atomic():
        changed = Delivery.objects.filter(pk=row.pk, status=Status.SUBMITTED).update(
            status=Status.FAILED,
            failure=Delivery.Failure.TEMPORARY,
            error=NO_REPORT,
            finished_at=now,
        )
        if changed:
            _call(row, now)
    return bool(changed)


def _call(row: Delivery, now: datetime) -> None:
    logger.error("delivery.failed", extra={"delivery": row.public_id, "event": row.event})
    call_instead(row, now=now)
    nudge("portal.tasks.deliver_due")


def forget_calls(*, real: datetime) -> int:
    """Delete what no timestamp can bring back; returns how many."""
    return ProviderCall.objects.filter(at__lt=real - KEEP).delete()[0]
