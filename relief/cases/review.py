"""What staff do with a review: claim, hand over, ask for proof, pass, reject."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from portal.core.calendar.days import load_calendar
from portal.core.errors import NotYourTurn
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank, Role
from portal.core.models import User
from portal.core.retry import retried
from relief.cases import notices
from relief.cases.gate import Actor, check, last_move
from relief.cases.models import Case
from relief.cases.moves import Occasion, borrower_words, locked, move, record
from relief.cases.permissions import Task, closed_sentence
from relief.cases.reasons import REJECTIONS, RejectCode, check_line
from relief.cases.timing import deadlines
from relief.cases.timing.lateness import locked_at
from relief.cases.workflow import Action, State, find_move
from relief.evidence.kinds import KIND_LABELS, parse_kind


@retried
def claim_case(*, case: Case, actor: User, now: datetime) -> Case:
    """Takes a waiting case; taking it again changes nothing, a colleague is told who has it."""
    with transaction.atomic():
        fresh = locked(case)
        if fresh.state == State.IN_REVIEW and fresh.assigned_to_id == actor.pk:
            return fresh
        return move(
            fresh,
            Action.CLAIM,
            Occasion(Actor(actor, Role.STAFF), now),
            changes={"assigned_to": actor},
        )


def release_case(*, case: Case, actor: User, now: datetime, note: str = "") -> Case:
    """Puts a claimed case back into the queue; its clock runs on."""
    text = check_line(note, field="note", label="备注", empty=True)
    with transaction.atomic():
        fresh = locked(case)
        check(Action.RELEASE, fresh, Actor(actor, Role.STAFF), now)
        return move(
            fresh,
            Action.RELEASE,
            Occasion(Actor(actor, Role.STAFF), now, note_internal=text),
            changes={"assigned_to": None},
        )


def assign_case(*, case: Case, to: User, actor: User, now: datetime, note: str = "") -> Case:
    """Hands a case to a colleague who may decide it (转交); by its owner or a supervisor."""
    text = check_line(note, field="note", label="备注", empty=True)
    with transaction.atomic():
        fresh = locked(case)
        check(Task.ASSIGN, fresh, Actor(actor, Role.STAFF), now)
        check(Task.TAKE_OVER, fresh, Actor(to, Role.STAFF), now)
        fresh.assigned_to = to
        fresh.save(update_fields=["assigned_to"])
        record(
            fresh,
            notices.AuditEvent.ASSIGNED,
            Occasion(Actor(actor, Role.STAFF), now, note_internal=text, data={"to": to.pk}),
        )
        return fresh


@retried
def ask_for_proof(
    *, case: Case, kinds: Sequence[str], text: str, actor: User, now: datetime
) -> Case:
    """Asks for more evidence; the review clock stops, 7 calendar days to answer."""
    asked_kinds = [parse_kind(kind) for kind in kinds]
    if not asked_kinds:
        raise InvalidInput("kinds", "请选择需要补充的材料类型")
    note = check_line(text, field="text", label="补充说明")
    with transaction.atomic():
        fresh = locked_at(case, now)
        check(Action.ASK_PROOF, fresh, Actor(actor, Role.STAFF), now)
        names = "、".join(KIND_LABELS[kind] for kind in asked_kinds)
        return move(
            fresh,
            Action.ASK_PROOF,
            Occasion(
                Actor(actor, Role.STAFF),
                now,
                note_public=f"{names}：{note}",
                context={"kinds": names, "note": note},
            ),
            changes={
                "asked_kinds": [kind.value for kind in asked_kinds],
                "ask_text": note,
                **_stopped_clock(fresh, now),
            },
        )


def _stopped_clock(case: Case, now: datetime) -> dict[str, Any]:
    workdays = 1
    if case.review_due_at is not None:
        workdays = deadlines.workdays_left(now, case.review_due_at, load_calendar())
    values: dict[str, Any] = {"clock_stopped_at": now, "remaining_workdays": workdays}
    return {**values, **_delay_ended(case, now)}


def _delay_ended(case: Case, now: datetime) -> dict[str, Any]:
    """Our delay ends with the answer; a second miss counts from the first again."""
    if case.delay_from is not None and case.delay_to is None:
        return {"delay_to": business_date(now)}
    return {}


@retried
def pass_review(*, case: Case, actor: User, now: datetime, note: str = "") -> Case:
    """The review is passed; an offer follows within 2 working days."""
    text = check_line(note, field="note", label="审核意见", empty=True)
    with transaction.atomic():
        fresh = locked_at(case, now)
        check(Action.PASS, fresh, Actor(actor, Role.STAFF), now)
        return move(
            fresh,
            Action.PASS,
            Occasion(Actor(actor, Role.STAFF), now, note_internal=text),
            changes={"reviewed_at": now},
        )


@retried
def reject_case(
    *,
    case: Case,
    code: str,
    text: str,
    actor: User,
    now: datetime,
    advice: str = "",
    note_internal: str = "",
) -> Case:
    """Rejects with a code, the sentence the borrower reads, what would change it, and from when.

    The state that `case` was read in is the one that is rejected: NotYourTurn names who changed it.
    FRAUD_SUSPECTED needs a supervisor. Rejected on 2026-03-02: again from 03-09, or at once with
    a new file (cooldown_days=7).
    """
    rejection = _rejection(code, text, advice)
    inner = check_line(note_internal, field="note_internal", label="内部备注", empty=True)
    with transaction.atomic():
        fresh = locked_at(case, now)
        if fresh.state != case.state:  # a colleague decided meanwhile: this no was to another state
            raise NotYourTurn(
                closed_sentence(State(fresh.state), Action.REJECT, last_move(fresh)), code="move"
            )
        check(Action.REJECT, fresh, Actor(actor, Role.STAFF), now, needed=rejection.needed_rank)
        fresh.offers.filter(status="proposed").update(status="declined")
        return move(
            fresh,
            Action.REJECT,
            Occasion(
                Actor(actor, Role.STAFF),
                now,
                note_public=f"{rejection.name}：{rejection.text}",
                note_internal=inner,
                context=_told(fresh, rejection, now),
            ),
            changes={
                **_rejected(fresh, actor, now),
                "reject_code": rejection.code.value,
                "reject_text": rejection.text,
                "reject_advice": rejection.advice,
            },
        )


def rejection_words(*, case: Case, code: str, text: str, advice: str, now: datetime) -> str:
    """The very notice that the borrower would read if the case were rejected now; nothing is stored.

    InvalidInput as `reject_case`.
    """
    rejection = _rejection(code, text, advice)
    transition = find_move(State(case.state), Action.REJECT, Role.STAFF)
    ahead = copy(case)
    if transition is not None and transition.promise is not None:
        due = deadlines.due_for(transition.promise, now, load_calendar(), case.policy.rules)
        if due is not None:
            ahead.next_due_at, ahead.next_due_kind = due.at, due.kind.value
    return borrower_words(ahead, Action.REJECT, _told(case, rejection, now))


def rank_to_reject(code: str) -> Rank:
    """Who may reject with this code: FRAUD_SUSPECTED takes a supervisor."""
    return Rank.SUPERVISOR if code == RejectCode.FRAUD_SUSPECTED else Rank.REVIEWER


@dataclass(frozen=True)
class _Rejection:
    """A code with the sentences that go with it: staff's own, or the code's standard ones."""

    code: RejectCode
    name: str
    text: str
    advice: str

    @property
    def needed_rank(self) -> Rank:
        return rank_to_reject(self.code)


def _rejection(code: str, text: str, advice: str) -> _Rejection:
    if code not in set(RejectCode):
        raise InvalidInput("reason", "请选择不通过的原因")
    chosen = RejectCode(code)
    name, sentence, change = REJECTIONS[chosen]
    return _Rejection(
        code=chosen,
        name=name,
        text=check_line(text or sentence, field="text", label="给借款人的说明"),
        advice=check_line(advice or change, field="advice", label="怎样可以改变结果"),
    )


def _told(case: Case, rejection: _Rejection, now: datetime) -> dict[str, Any]:
    """What the notice of a rejection says besides what every notice does."""
    return {
        "reason": rejection.name,
        "note": rejection.text,
        "advice": rejection.advice,
        "reapply_on": deadlines.chinese_day(_reapply_on(case, now)),
        "can_appeal": case.appealed_at is None,
    }


def _reapply_on(case: Case, now: datetime) -> date:
    return business_date(now) + timedelta(days=case.policy.rules.cooldown_days)


def _rejected(case: Case, actor: User, now: datetime) -> dict[str, Any]:
    """Who rejected, when, and from when the borrower may ask again."""
    values: dict[str, Any] = {
        "rejected_by": actor,
        "rejected_at": now,
        "reviewed_at": case.reviewed_at or now,
        "reapply_on": _reapply_on(case, now),
    }
    if case.appealed_at is not None:  # the one appeal is used up
        values |= {"next_due_at": None, "next_due_kind": ""}
    return values
