"""The sweep: what is due is handled once each, in batches, however many workers look."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, connection, transaction

from portal.errors import RuleViolation
from portal.kernel.errors import InvalidInput
from portal.kernel.roles import Role
from portal.services.calendar import load_calendar
from relief import notices
from relief.domain import deadlines
from relief.domain.deadlines import DueKind
from relief.domain.workflow import Action, State
from relief.models import Case, Deadline, OfferStatus
from relief.services import plan_watch
from relief.services._moves import move, record

logger = logging.getLogger(__name__)
BATCH = 200
BROKEN = (RuleViolation, InvalidInput, ObjectDoesNotExist, IntegrityError)


def sweep(*, now: datetime, limit: int = BATCH, plans: bool = True) -> int:
    """Handles deadlines with due_at <= now, oldest first; returns how many were handled.

    Each in its own transaction: case locked, deadline compare-and-set, then acted on.
    """
    due = Deadline.objects.due(now)
    if not plans:
        due = due.exclude(kind__in=PLAN_KINDS)
    waiting = list(due.values_list("pk", "case_id")[:limit])
    return _handle_all(waiting, now)


def sweep_plans(*, now: datetime, limit: int = BATCH) -> int:
    """The same for the plans' own looks."""
    due = Deadline.objects.due(now).filter(kind__in=PLAN_KINDS)
    waiting = list(due.values_list("pk", "case_id")[:limit])
    return _handle_all(waiting, now)


def _handle_all(waiting: list[tuple[int, int]], now: datetime) -> int:
    """One broken row is logged and left for a person; it does not hold up the others."""
    handled = 0
    for pk, case_id in waiting:
        try:
            handled += handle(pk, case_id, now=now)
        except BROKEN:
            logger.exception("deadline.failed", extra={"deadline": pk})
    return handled


def handle(deadline_id: int, case_id: int, *, now: datetime) -> bool:
    """Handles one deadline unless another worker has it or has handled it."""
    with transaction.atomic():
        skip = connection.features.has_select_for_update_skip_locked
        case = (
            Case.objects.select_for_update(of=("self",), skip_locked=skip)
            .for_lists()
            .filter(pk=case_id)
            .first()
        )
        if case is None:
            return False
        taken = (
            Deadline.objects.waiting()
            .filter(pk=deadline_id, due_at__lte=now)
            .update(handled_at=now)
        )
        if not taken:
            return False
        kind = DueKind(Deadline.objects.values_list("kind", flat=True).get(pk=deadline_id))
        HANDLERS[kind](case, now)
    logger.info("deadline.handled", extra={"case": case.public_id, "kind": kind.value})
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
