"""The sweep: what is due is handled once each, in batches, however many workers look."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist
from django.db import DataError, IntegrityError, transaction
from django.db.models import Q

from portal.core.errors import RuleViolation
from relief.cases import notices
from relief.cases.gate import SYSTEM
from relief.cases.models import Deadline, DeadlineQuerySet
from relief.cases.moves import Occasion, move, record, together
from relief.cases.timing import deadlines
from relief.cases.timing.batch import Batch
from relief.cases.timing.deadlines import DueKind
from relief.cases.timing.lateness import break_promise, skip_reminder
from relief.cases.workflow import Action, State
from relief.offers.models import OfferStatus
from relief.plans import watch as plan_watch

logger = logging.getLogger(__name__)
BATCH = 200  # handled in one transaction; its cases are locked for that long
PATIENCE = 20  # seconds one sweep goes on; the next one follows within seconds
# What a row that makes no sense can raise. A database that is gone is nobody's fault: it ends the
# sweep, and the next one does the work.
BROKEN = (
    *(RuleViolation, ObjectDoesNotExist, IntegrityError, DataError),
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError),
)


def sweep(*, now: datetime, plans: bool = True, seconds: float = PATIENCE) -> int:
    """Handles deadlines with due_at <= now, oldest first; returns how many were handled.

    Batch after batch until all were looked at once or `seconds` have passed: memory stays flat,
    and a row that cannot be handled holds up nobody.
    """
    due = Deadline.objects.due(now)
    return _sweep(due if plans else due.exclude(kind__in=PLAN_KINDS), now, seconds)


def sweep_plans(*, now: datetime, seconds: float = PATIENCE) -> int:
    """The same for the scheduled checks of plans."""
    return _sweep(Deadline.objects.due(now).filter(kind__in=PLAN_KINDS), now, seconds)


def _sweep(due: DeadlineQuerySet, now: datetime, seconds: float) -> int:
    stop = time.monotonic() + seconds
    remaining, handled = due, 0
    while batch := list(remaining.values_list("pk", "due_at")[:BATCH]):
        handled += _handle([pk for pk, _ in batch], now)
        if time.monotonic() >= stop:
            break
        pk, due_at = batch[-1]
        remaining = due.filter(Q(due_at__gt=due_at) | Q(due_at=due_at, pk__gt=pk))
    return handled


def _handle(ids: Sequence[int], now: datetime) -> int:
    """All in one transaction; if one fails, in halves, until that one is alone and left for staff."""
    try:
        with transaction.atomic():
            handled = _handle_together(ids, now)
    except BROKEN:
        if len(ids) == 1:
            logger.exception("deadline.failed", extra={"deadline": ids[0]})
            return 0
        half = len(ids) // 2
        return _handle(ids[:half], now) + _handle(ids[half:], now)
    return handled


def handle(deadline_id: int, *, now: datetime) -> bool:
    """Handles one deadline unless another worker has it or has handled it."""
    with transaction.atomic():
        return bool(_handle_together([deadline_id], now))


def _handle_together(ids: Sequence[int], now: datetime) -> int:
    """One turn for the first deadline of each case; the next of a case sees what that one did."""
    turn: dict[int, Deadline] = {}
    later = []
    for row in _locked(ids, now):
        if turn.setdefault(row.case_id, row) is not row:
            later.append(row.pk)
    claimed = Deadline.objects.waiting().filter(pk__in=[row.pk for row in turn.values()])
    if claimed.update(handled_at=now) != len(turn):
        raise RuntimeError("a deadline was handled twice")  # undone: nothing has happened
    with together():
        batch = Batch(now)
        for row in turn.values():
            HANDLERS[DueKind(row.kind)](row, batch)
            logger.info("deadline.handled", extra={"case": row.case.public_id, "kind": row.kind})
        batch.write()
    return len(turn) + (_handle_together(later, now) if later else 0)


def _locked(ids: Sequence[int], now: datetime) -> list[Deadline]:
    """Those that are still due, with their cases, under the locks of both; never waits for a lock.

    A case that somebody else is working on is left to the next sweep. SQLite ignores the lock:
    there the transaction is the only writer from its first statement.
    """
    rows = Deadline.objects.due(now).filter(pk__in=ids).with_case()
    return list(rows.select_for_update(of=("case", "self"), skip_locked=True))


def _amber(row: Deadline, batch: Batch) -> None:
    _remind(row, batch, notices.AuditEvent.AMBER)


def _remind_proof(row: Deadline, batch: Batch) -> None:
    _remind(row, batch, notices.AuditEvent.PROOF_REMINDER, ask=row.case.ask_text)


def _remind_offer(row: Deadline, batch: Batch) -> None:
    offer = row.case.offers.filter(status=OfferStatus.OPEN).first()
    if offer is not None:
        _remind(row, batch, notices.AuditEvent.OFFER_REMINDER, offer=offer)


def _remind(row: Deadline, batch: Batch, reminder: notices.AuditEvent, **context: object) -> None:
    """Reminds of the case's deadline while that lies ahead; afterwards the trail says why not."""
    case, ends_at = row.case, row.case.next_due_at
    if ends_at is not None and ends_at <= batch.now:
        name = deadlines.DUE_LABELS[DueKind(case.next_due_kind)]
        skip_reminder(case, reminder, deadlines.reminder_note(name, ends_at), now=batch.now)
        return
    record(case, reminder, Occasion(SYSTEM, batch.now, context={"not_after": ends_at, **context}))


def _expire(row: Deadline, batch: Batch) -> None:
    """Evidence that did not come, or an offer nobody answered: closed, files kept."""
    case = row.case
    if case.state not in {State.NEED_MORE, State.OFFERED}:
        return
    case.offers.filter(status=OfferStatus.OPEN).update(status=OfferStatus.EXPIRED)
    move(
        case,
        Action.EXPIRE,
        Occasion(SYSTEM, batch.now, context={"was_offer": case.state == State.OFFERED}),
        changes={"expired_from": case.state},
    )


def _plan(row: Deadline, batch: Batch) -> None:
    plan_watch.watch_plan(case=row.case, now=batch.now, planned_at=row.due_at)


def _cure_over(row: Deadline, batch: Batch) -> None:
    plan_watch.notify_breach_ready(row.case, batch.now)


def _nothing(row: Deadline, batch: Batch) -> None:
    """The end of an appeal's time needs no act: the button disappears by itself."""


HANDLERS: dict[DueKind, Callable[[Deadline, Batch], None]] = {
    DueKind.REVIEW_AMBER: _amber,
    DueKind.REVIEW_DUE: break_promise,
    DueKind.EVIDENCE_REMINDER: _remind_proof,
    DueKind.EVIDENCE_DUE: _expire,
    DueKind.COMPOSE_DUE: break_promise,
    DueKind.APPROVAL_DUE: break_promise,
    DueKind.REPLY_DUE: break_promise,
    DueKind.OFFER_REMINDER: _remind_offer,
    DueKind.OFFER_DUE: _expire,
    DueKind.APPEAL_DUE: _nothing,
    DueKind.PLAN_CHECK: _plan,
    DueKind.CURE_DUE: _cure_over,
}
PLAN_KINDS = (DueKind.PLAN_CHECK.value, DueKind.CURE_DUE.value)
