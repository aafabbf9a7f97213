"""The sweep: what is due is handled once each, in batches, however many workers look."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from portal.crash_points import crash_point
from portal.errors import RuleViolation
from portal.kernel.errors import InvalidInput
from portal.kernel.roles import Role
from portal.services.calendar import load_calendar
from relief import notices
from relief.domain import deadlines
from relief.domain.deadlines import DueKind
from relief.domain.workflow import Action, State
from relief.models import Case, Deadline, OfferStatus
from relief.models.case import DeadlineQuerySet
from relief.services import plan_watch
from relief.services._moves import move, record

logger = logging.getLogger(__name__)
BATCH = 50  # handled in one transaction; its cases are locked for that long
PATIENCE = 20  # seconds one sweep goes on; the next one follows within seconds
BROKEN = (RuleViolation, InvalidInput, ObjectDoesNotExist, IntegrityError)


def sweep(*, now: datetime, plans: bool = True, seconds: float = PATIENCE) -> int:
    """Handles deadlines with due_at <= now, oldest first; returns how many were handled.

    Batch after batch until all were looked at once or `seconds` have passed: memory stays flat,
    and a row that cannot be handled holds up nobody.
    """
    due = Deadline.objects.due(now)
    return _sweep(due if plans else due.exclude(kind__in=PLAN_KINDS), now, seconds)


def sweep_plans(*, now: datetime, seconds: float = PATIENCE) -> int:
    """The same for the plans' own looks."""
    return _sweep(Deadline.objects.due(now).filter(kind__in=PLAN_KINDS), now, seconds)


def _sweep(due: DeadlineQuerySet, now: datetime, seconds: float) -> int:
    stop = time.monotonic() + seconds
    rest, handled = due, 0
    while batch := list(rest.only("pk", "case_id", "kind", "due_at")[:BATCH]):
        handled += _handle_batch(batch, now)
        if time.monotonic() >= stop:
            break
        last = batch[-1]
        rest = due.filter(Q(due_at__gt=last.due_at) | Q(due_at=last.due_at, pk__gt=last.pk))
    return handled


def _handle_batch(batch: Sequence[Deadline], now: datetime) -> int:
    """All in one transaction; if one is broken, each in its own, and that one is left for a person."""
    try:
        with transaction.atomic():
            handled = _handle_together(batch, now)
            crash_point("sweep.before_commit")
    except BROKEN:
        return sum(_handle_alone(row, now) for row in batch)
    crash_point("sweep.after_commit")
    return handled


def _handle_together(batch: Sequence[Deadline], now: datetime) -> int:
    """Locks the cases that nobody else has locked, and acts on theirs; never waits for a lock."""
    crash_point("sweep.before_lock")
    cases = _locked([row.case_id for row in batch])
    crash_point("sweep.after_lock")
    handled, touched = 0, set()
    for row in batch:
        case = cases.get(row.case_id)
        if case is None:
            continue
        if row.case_id in touched:  # the one before may have changed it
            case = Case.objects.for_lists().get(pk=row.case_id)
        touched.add(row.case_id)
        handled += _act(row, case, now)
    return handled


def _handle_alone(row: Deadline, now: datetime) -> bool:
    try:
        return handle(row.pk, row.case_id, now=now)
    except BROKEN:
        logger.exception("deadline.failed", extra={"deadline": row.pk})
        return False


def handle(deadline_id: int, case_id: int, *, now: datetime) -> bool:
    """Handles one deadline unless another worker has it or has handled it."""
    row = Deadline.objects.get(pk=deadline_id)
    with transaction.atomic():
        case = _locked([case_id]).get(case_id)
        return case is not None and _act(row, case, now)


def _locked(case_ids: Sequence[int]) -> dict[int, Case]:
    """The cases under their locks, but for those that somebody else works on just now.

    SQLite ignores the lock: there the transaction is the only writer from its first statement.
    """
    skip = connection.features.has_select_for_update_skip_locked
    free = Case.objects.select_for_update(of=("self",), skip_locked=skip).for_lists()
    return {case.pk: case for case in free.filter(pk__in=set(case_ids)).order_by("pk")}


def _act(row: Deadline, case: Case, now: datetime) -> bool:
    """Compare-and-set, then the act; under the case's lock."""
    mine = Deadline.objects.waiting().filter(pk=row.pk, due_at__lte=now)
    if not mine.update(handled_at=now):
        return False
    HANDLERS[DueKind(row.kind)](case, now)
    logger.info("deadline.handled", extra={"case": case.public_id, "kind": row.kind})
    return True


def _amber(case: Case, now: datetime) -> None:
    _note(case, notices.Happening.AMBER, now)


def _review_missed(case: Case, now: datetime) -> None:
    """Supervisor once, apology, a new promise, and the delay waived in the next offer."""
    first = case.escalated_at is None
    promised = _promise_again(case, now, DueKind.REVIEW_DUE)
    changes: dict[str, object] = {
        "next_due_at": promised,
        "escalated_at": case.escalated_at or now,
    }
    if case.review_due_at is not None:
        missed_on = deadlines.business_day(case.review_due_at)
        changes["delay_from"] = case.delay_from or missed_on
        changes["delay_to"] = None
    _save(case, changes)
    if first:
        _note(case, notices.Happening.REVIEW_MISSED, now, missed="审核结果")


def _promise_missed(case: Case, now: datetime) -> None:
    kind = DueKind(case.next_due_kind)
    first = case.escalated_at is None
    promised = _promise_again(case, now, kind)
    _save(case, {"next_due_at": promised, "escalated_at": case.escalated_at or now})
    if first:
        missed = "还款建议的答复" if kind == DueKind.REPLY_DUE else "协商方案"
        _note(case, notices.Happening.PROMISE_MISSED, now, missed=missed)


def _promise_again(case: Case, now: datetime, kind: DueKind) -> datetime:
    promised = deadlines.workday_due(now, 1, load_calendar(), case.policy.rules)
    case.deadlines.create(kind=kind.value, due_at=promised)
    return promised


def _save(case: Case, changes: dict[str, object]) -> None:
    Case.objects.filter(pk=case.pk).update(**changes)
    case.refresh_from_db()


def _remind_proof(case: Case, now: datetime) -> None:
    _note(case, notices.Happening.PROOF_REMINDER, now, ask=case.ask_text)


def _remind_offer(case: Case, now: datetime) -> None:
    offer = case.offers.filter(status=OfferStatus.OPEN).first()
    if offer is not None:
        _note(case, notices.Happening.OFFER_REMINDER, now, offer=offer)


def _expire(case: Case, now: datetime) -> None:
    """Evidence that did not come, or an offer nobody answered: closed, files kept."""
    if case.state not in {State.NEED_MORE, State.OFFERED}:
        return
    case.offers.filter(status=OfferStatus.OPEN).update(status=OfferStatus.EXPIRED)
    move(
        case,
        Action.EXPIRE,
        actor=None,
        role=Role.SYSTEM,
        now=now,
        changes={"expired_from": case.state},
        context={"was_offer": case.state == State.OFFERED},
    )


def _plan(case: Case, now: datetime) -> None:
    plan_watch.watch_plan(case=case, now=now)


def _cure_over(case: Case, now: datetime) -> None:
    if plan_watch.can_breach(case, now):
        plan_watch.tell_breach_ready(case, now)


def _nothing(case: Case, now: datetime) -> None:
    """The end of an appeal's time needs no act: the button goes by itself."""


def _note(case: Case, what: notices.Happening, now: datetime, **context: object) -> None:
    record(case, what, actor=None, role=Role.SYSTEM, now=now, context=context)


HANDLERS: dict[DueKind, Callable[[Case, datetime], None]] = {
    DueKind.REVIEW_AMBER: _amber,
    DueKind.REVIEW_DUE: _review_missed,
    DueKind.EVIDENCE_REMINDER: _remind_proof,
    DueKind.EVIDENCE_DUE: _expire,
    DueKind.COMPOSE_DUE: _promise_missed,
    DueKind.APPROVAL_DUE: _promise_missed,
    DueKind.REPLY_DUE: _promise_missed,
    DueKind.OFFER_REMINDER: _remind_offer,
    DueKind.OFFER_DUE: _expire,
    DueKind.APPEAL_DUE: _nothing,
    DueKind.PLAN_CHECK: _plan,
    DueKind.CURE_DUE: _cure_over,
}
PLAN_KINDS = (DueKind.PLAN_CHECK.value, DueKind.CURE_DUE.value)
