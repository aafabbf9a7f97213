"""The only writer of Case.state: table, compare-and-set, audit row, deadlines and notices."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import NoReverseMatch, reverse

from portal.core.calendar.days import load_calendar
from portal.core.errors import StaleWrite
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.workdays import WorkCalendar
from portal.core.notifications import outbox, texts
from portal.core.unit_of_work import UnitOfWork
from relief.cases import notices, people
from relief.cases.gate import Actor, check, last_move
from relief.cases.models import Case, Deadline, Event
from relief.cases.timing import deadlines
from relief.cases.workflow import CLOSED, Action, Promise, find_move
from relief.conversation.cards import show_move

logger = logging.getLogger(__name__)
KEEPS_CLOCK = frozenset({Promise.REVIEW_REST, Promise.OFFER_REST})
NOTE = 1000  # characters of an audit row's note
Details = Mapping[str, Any]


def locked(case: Case) -> Case:
    """The case read again under its lock; call inside a transaction (case → offer → loan)."""
    return Case.objects.select_for_update(of=("self",)).for_lists().get(pk=case.pk)


@dataclass(frozen=True)
class Occasion:
    """Who does something to a case and when, with the notes and data that go with it.

    Notes and `data` are kept in the audit row; `context` is what the notices need besides.
    """

    actor: Actor
    now: datetime
    note_public: str = ""
    note_internal: str = ""
    data: Details = field(default_factory=dict)
    context: Details = field(default_factory=dict)

    def event(self, case: Case, action: str, to_state: str, *, more: str = "") -> Event:
        """The audit row; `more` is added to the note for staff where there is room."""
        note = f"{self.note_internal} {more}".strip()
        return Event(
            case=case,
            action=action,
            from_state=case.state,
            to_state=to_state,
            actor=self.actor.user,
            role=self.actor.role.value,
            note_public=self.note_public,
            note_internal=note if len(note) <= NOTE else self.note_internal,
            data=dict(self.data),
            at=self.now,
        )


def move(
    case: Case,
    action: Action,
    occasion: Occasion,
    *,
    due: deadlines.DeadlineSet | None = None,
    changes: Details | None = None,
) -> Case:
    """Makes one move of the table, or raises what permissions.check does, or StaleWrite.

    `due` overrides the clock that the move starts; `changes` are other fields of the case.
    Returns the case as it is now stored.
    """
    now = occasion.now
    check(action, case, occasion.actor, now)
    transition = find_move(case.state, action, occasion.actor.role)
    assert transition is not None  # check has seen to it
    calendar = None
    if due is None and transition.promise is not None:
        calendar = load_calendar()
        due = deadlines.due_for(transition.promise, now, calendar, case.policy.rules)
    values = {**_due_values(transition.promise, due), **(changes or {})}
    if transition.promise not in KEEPS_CLOCK:
        values |= {"escalated_at": None, "missed_promises": 0}  # another promise
    if transition.target in CLOSED:
        values["closed_at"] = now
    with transaction.atomic(savepoint=False):
        updated = Case.objects.filter(pk=case.pk, state=case.state, version=case.version).update(
            state=transition.target.value, version=case.version + 1, **values
        )
        if updated != 1:
            raise StaleWrite(f"{last_move(case)}页面已过时，请刷新后再试。", code="stale")
        warning = _warning(due, now, calendar)
        event = occasion.event(case, action.value, transition.target.value, more=warning)
        fresh = Case.objects.for_lists().get(pk=case.pk)
        if transition.promise not in KEEPS_CLOCK or due is not None:
            set_deadlines(fresh, due, now)
        _lines.add(_Line(event, fresh, action, occasion.context))
    logger.info("case.moved", extra={"case": fresh.public_id, "action": action.value})
    return fresh


def _warning(
    due: deadlines.DeadlineSet | None, now: datetime, calendar: WorkCalendar | None
) -> str:
    """For staff: that the new deadline rests on a provisional day, if it does."""
    if due is None or due.kind not in deadlines.WORKDAY_KINDS:
        return ""
    return deadlines.provisional_note(now, due.at, due.kind, calendar or load_calendar())


def record(
    case: Case,
    audit_event: notices.AuditEvent,
    occasion: Occasion,
    *,
    key: str = "",
    notify: bool = True,
) -> Event:
    """Writes an audit row for what happens without a move, and its notices (`key` makes once)."""
    event = occasion.event(case, audit_event.value, case.state)
    _lines.add(_Line(event, case, audit_event, occasion.context, key, notify))
    return event


@dataclass(frozen=True)
class _Line:
    """An audit row to be written, and what its notices need; `case` is as it is after the act."""

    event: Event
    case: Case
    audit_event: Action | notices.AuditEvent
    context: Details
    key: str = ""
    notify: bool = True


def _write(lines: list[_Line]) -> None:
    """Writes the audit rows, then the notices and cards of each under its row's id."""
    Event.objects.bulk_create([line.event for line in lines])
    recipients = people.Recipients()
    with outbox.together():
        for line in (line for line in lines if line.notify):
            event, key = line.event, line.key or f"{line.event.pk}"
            context = {"note": event.note_public, **line.context}
            notify_move(
                line.case, line.audit_event, key=key, now=event.at, context=context, to=recipients
            )
            if isinstance(line.audit_event, Action):
                show_move(
                    line.case,
                    line.audit_event,
                    key=key,
                    actor=event.actor,
                    now=event.at,
                    context=context,
                )


_lines = UnitOfWork("lines", _write)
together = _lines.block


def set_deadlines(case: Case, due: deadlines.DeadlineSet | None, now: datetime) -> None:
    """Cancels what was waiting and stores the instants of `due`."""
    case.deadlines.waiting().update(cancelled_at=now)
    if due is not None:
        Deadline.objects.bulk_create(
            [Deadline(case=case, kind=kind.value, due_at=instant) for kind, instant in due.rows]
        )


def notify_move(
    case: Case,
    event: Action | notices.AuditEvent,
    *,
    key: str,
    now: datetime,
    context: Details,
    to: people.Recipients | None = None,
) -> None:
    """Writes the notices that notices.RULES names for `event`; the same key writes them once."""
    recipients = to or people.Recipients()
    for rule in notices.RULES[event]:
        if rule.when is not None and rule.when != case.state:
            continue
        for user in recipients.of(rule.audience, case, needs_rank=context.get("needs_rank", "")):
            outbox.notify(
                event=rule.event,
                key=f"case:{case.public_id}:{rule.event}:{key}:{user.pk}",
                user=user,
                channels=rule.channels,
                context={**_context(case), **context},
                about=f"case:{case.public_id}",
                link=_link(rule, case, context),
                category="repayment" if rule.event in notices.PLAN_EVENTS else "relief",
                not_after=context.get("not_after"),
                now=now,
            )


def borrower_words(case: Case, event: Action | notices.AuditEvent, context: Details) -> str:
    """Title and text of the borrower's notice of `event`, as notify_move would write them."""
    (rule,) = (row for row in notices.RULES[event] if row.audience == notices.Audience.BORROWER)
    return texts.render_text(rule.event, "in_app", {**_context(case), **context})


def _due_values(promise: Promise | None, due: deadlines.DeadlineSet | None) -> dict[str, Any]:
    if due is not None:
        return {"next_due_at": due.at, "next_due_kind": due.kind.value}
    if promise in KEEPS_CLOCK:
        return {}
    return {"next_due_at": None, "next_due_kind": ""}


def _context(case: Case) -> dict[str, Any]:
    return {
        "case": case,
        "number": case.number,
        "loan": case.loan,
        "borrower": case.borrower,
        "due": due_text(case),
        "staff": case.assigned_to.public_name if case.assigned_to else "客服",
    }


def due_text(case: Case) -> str:
    """The case's deadline as Chinese: plan deadlines by date, all others by date and time."""
    if case.next_due_at is None:
        return ""
    if case.next_due_kind in {deadlines.DueKind.PLAN_CHECK, deadlines.DueKind.CURE_DUE}:
        day = business_date(case.next_due_at)
        return f"{day.month}月{day.day}日"
    return deadlines.chinese(case.next_due_at)


def _link(rule: notices.NoticeRule, case: Case, context: Details) -> str:
    """The page a notice opens; a path, so that it is right on every host."""
    try:
        if rule.audience != notices.Audience.BORROWER:
            return reverse("admin:relief_case_change", args=[case.pk])
        if rule.event in notices.OFFER_EVENTS and "offer" in context:
            return reverse("relief:offer", args=[case.public_id, context["offer"].number])
        if rule.event in notices.PLAN_EVENTS:
            return reverse("loans:detail", args=[case.loan.public_id])
        return reverse("relief:case", args=[case.public_id])
    except NoReverseMatch:  # an address that this deployment does not have (tests of the rules)
        return ""
