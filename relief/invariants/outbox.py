"""The outbox: nothing is silent, nothing is without a cause, nobody is disturbed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import TruncDate, TruncTime

from loans.models import Correction
from loans.services.notices import key_of
from portal.core.kernel.businesstime import SHANGHAI
from portal.core.models import Delivery, Notice, PhoneCall, PhoneTask
from portal.core.notifications import dispatch, hours
from portal.core.notifications.calls import MAX_CALLS_A_DAY
from relief.cases import notices
from relief.cases.models import Event
from relief.cases.workflow import Action
from relief.invariants.violation import Violation

CHUNK = 2000
LONGEST_WAIT = timedelta(hours=24)  # the longest back-off and a whole night
Status, Channel = Delivery.Status, Delivery.Channel
WHAT: dict[str, Action | notices.AuditEvent] = {
    **{action.value: action for action in Action},
    **{audit_event.value: audit_event for audit_event in notices.AuditEvent},
}


def visible_ends(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """Delivered, failed with its class and time, waiting with a date, or a call to be made."""
    rows = Delivery.objects.order_by("pk")
    has_ended = Q(status__in=[Status.DELIVERED, Status.FAILED])
    broken = {
        "ended without a time": has_ended & Q(finished_at=None),
        "failed without a class": Q(status=Status.FAILED, failure=""),
        "waits for a day or longer": Q(
            status=Status.PENDING, next_attempt_at__gt=now + LONGEST_WAIT
        ),
        "has a status nobody knows": ~Q(status__in=Status.values),
        "submitted without a time": Q(status=Status.SUBMITTED, submitted_at=None),
    }
    for problem, where in broken.items():
        for public_id in rows.filter(where).values_list("public_id", flat=True):
            yield Violation("I6", f"delivery {public_id}", problem)
    task = Exists(PhoneTask.objects.filter(delivery=OuterRef("pk")))
    calls = rows.filter(channel=Channel.PHONE, status=Status.SUBMITTED).exclude(task)
    for public_id in calls.values_list("public_id", flat=True):
        yield Violation("I6", f"delivery {public_id}", "a call that nobody was asked to make")


def fallbacks(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """An SMS that failed has a call in its place.

    Not login codes and reminders that were useless by then, and not what the borrower did not
    want to get.
    """
    call = Delivery.objects.filter(channel=Channel.PHONE)
    failed = Delivery.objects.filter(channel=Channel.SMS, status=Status.FAILED, exempt=False)
    failed = failed.exclude(error__in=[dispatch.UNWANTED.reason, dispatch.OUTDATED.reason])
    lost = failed.exclude(Exists(call.filter(fallback_of=OuterRef("pk")))).exclude(
        Exists(call.filter(notice=OuterRef("notice")))
    )
    for public_id in lost.values_list("public_id", flat=True):
        yield Violation("I6", f"delivery {public_id}", "failed, and nobody was asked to call")


def events_and_notices(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """What `notices.RULES` promises was written, and nothing was written without its event.

    Staff audiences depend on who was there at the time, so only the borrower's notice must be
    there for each event; every notice of a case must have its event. Calls must be there too;
    messages a borrower can switch off.
    """
    allowed: set[str] = set()
    must: set[str] = set()
    calls: set[str] = set()
    for key, rule in _promised():
        allowed.add(key)
        if rule.audience == notices.Audience.BORROWER:
            must.add(key)
            if Channel.PHONE in rule.channels:
                calls.add(key)
    notice_stems = set()
    for key, user_id in _case_notices():
        stem = key.removesuffix(f":{user_id}")
        notice_stems.add(stem)
        if stem not in allowed:
            yield Violation("I7", f"notice {key}", "no event tells of it")
    for key in sorted(must - notice_stems):
        yield Violation("I7", f"notice {key}", "was never written")
    yield from _calls(calls)


def corrections(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """Each correction has its notice to the borrower, and each such notice its correction."""
    correction_keys = {
        f"loan:{loan}:loan_corrected:{key_of(pk)}:{user_id}"
        for pk, loan, user_id in Correction.objects.order_by("pk")
        .values_list("pk", "loan__public_id", "loan__borrower_id")
        .iterator(CHUNK)
    }
    correction_notices = Notice.objects.filter(event="loan_corrected").order_by("pk")
    notice_keys = set(correction_notices.values_list("key", flat=True).iterator(CHUNK))
    for key in sorted(correction_keys - notice_keys):
        yield Violation("I7", f"notice {key}", "was never written")
    for key in sorted(notice_keys - correction_keys):
        yield Violation("I7", f"notice {key}", "no correction tells of it")


def _promised() -> Iterator[tuple[str, notices.NoticeRule]]:
    """(key without the reader, rule) of every notice that the audit trail promises."""
    rows = Event.objects.order_by("pk").values_list(
        "pk", "case__public_id", "action", "to_state", "data"
    )
    for pk, case, action, state, data in rows.iterator(CHUNK):
        for rule in notices.RULES[WHAT[action]] if action in WHAT else ():
            if rule.when is None or rule.when == state:
                yield f"case:{case}:{rule.event}:{data.get('key', pk)}", rule


def _case_notices() -> Iterator[tuple[str, int]]:
    rows = Notice.objects.filter(key__startswith="case:").order_by("pk")
    return rows.values_list("key", "user_id").iterator(CHUNK)


def _calls(stems: set[str]) -> Iterator[Violation]:
    """Every notice that is also a call has one; every delivery but a login code has a notice."""
    rows = Delivery.objects.filter(channel=Channel.PHONE, fallback_of=None, key__startswith="case:")
    called_stems = {
        key.removesuffix(f":{user_id}:{Channel.PHONE}")
        for key, user_id in rows.values_list("key", "user_id").iterator(CHUNK)
    }
    for stem in sorted(stems - called_stems):
        yield Violation("I7", f"notice {stem}", "the call was never written")
    causeless = Delivery.objects.filter(notice=None, exempt=False)
    for public_id in causeless.values_list("public_id", flat=True):
        yield Violation("I7", f"delivery {public_id}", "tells of no notice")


def quiet(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """Nothing went out between 22:00 and 08:00, and nobody had more than three calls a day."""
    at_night = Q(clock__lt=hours.OPENS) | Q(clock__gte=hours.CLOSES)
    sent = Delivery.objects.filter(exempt=False, submitted_at__isnull=False).annotate(
        clock=TruncTime("submitted_at", tzinfo=SHANGHAI)
    )
    for public_id in sent.filter(at_night).values_list("public_id", flat=True):
        yield Violation("I16", f"delivery {public_id}", "sent at night")
    called = PhoneCall.objects.annotate(clock=TruncTime("at", tzinfo=SHANGHAI))
    for pk in called.filter(at_night).values_list("pk", flat=True):
        yield Violation("I16", f"call {pk}", "made at night")
    days = (
        PhoneCall.objects.order_by()
        .filter(task__delivery__user__isnull=False)
        .annotate(day=TruncDate("at", tzinfo=SHANGHAI))
        .values("task__delivery__user_id", "day")
        .annotate(count=Count("pk"))
        .filter(count__gt=MAX_CALLS_A_DAY)
    )
    for row in days:
        where = f"user {row['task__delivery__user_id']} {row['day']}"
        yield Violation("I16", where, f"{row['count']} calls on one day")


def leases(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """No claim is older than two leases: by then the sweep has taken it back."""
    stuck = Delivery.objects.filter(status=Status.CLAIMED, lease_until__lt=now - dispatch.LEASE)
    for public_id, until in stuck.values_list("public_id", "lease_until"):
        yield Violation("I18", f"delivery {public_id}", f"claimed until {until}")
