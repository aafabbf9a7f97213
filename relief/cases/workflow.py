"""The one table of moves of a relief case; buttons, audit, notices and the drawing read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from portal.core.kernel.roles import Role


class State(StrEnum):
    """Where a case stands."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    IN_REVIEW = "IN_REVIEW"
    NEED_MORE = "NEED_MORE"
    NEGOTIATING = "NEGOTIATING"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    OFFERED = "OFFERED"
    COUNTERED = "COUNTERED"
    PLAN_ACTIVE = "PLAN_ACTIVE"
    WARNED = "WARNED"
    BREACHED = "BREACHED"
    COMPLETED = "COMPLETED"
    REJECTED = "REJECTED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"
    SETTLED = "SETTLED"


class Action(StrEnum):
    """What can be done to a case; every one is a line of the audit trail."""

    SUBMIT = "SUBMIT"
    WITHDRAW = "WITHDRAW"
    CLAIM = "CLAIM"
    RELEASE = "RELEASE"
    ASK_PROOF = "ASK_PROOF"
    SUPPLY = "SUPPLY"
    PASS = "PASS"
    REJECT = "REJECT"
    APPEAL = "APPEAL"
    OFFER = "OFFER"
    ASK_APPROVAL = "ASK_APPROVAL"
    APPROVE = "APPROVE"
    SEND_BACK = "SEND_BACK"
    WITHDRAW_OFFER = "WITHDRAW_OFFER"
    REISSUE = "REISSUE"
    ACCEPT = "ACCEPT"
    COUNTER = "COUNTER"
    ACCEPT_COUNTER = "ACCEPT_COUNTER"
    DECLINE = "DECLINE"
    EXPIRE = "EXPIRE"
    REOPEN = "REOPEN"
    REVOKE = "REVOKE"
    WARN = "WARN"
    CURE = "CURE"
    BREACH = "BREACH"
    COMPLETE = "COMPLETE"
    SETTLE = "SETTLE"
    UNSETTLE = "UNSETTLE"


class Promise(StrEnum):
    """Which clock starts when a move is made; lengths are the policy's (deadlines.py)."""

    REVIEW = "REVIEW"
    REVIEW_REST = "REVIEW_REST"
    EVIDENCE = "EVIDENCE"
    COMPOSE = "COMPOSE"
    APPROVAL = "APPROVAL"
    OFFER_VALID = "OFFER_VALID"
    OFFER_REST = "OFFER_REST"
    REPLY = "REPLY"
    APPEAL = "APPEAL"
    PLAN = "PLAN"
    CURE = "CURE"


S, A, R, P = State, Action, Role, Promise

IN_TALKS = frozenset(
    {
        S.SUBMITTED,
        S.IN_REVIEW,
        S.NEED_MORE,
        S.NEGOTIATING,
        S.AWAITING_APPROVAL,
        S.OFFERED,
        S.COUNTERED,
    }
)
IN_PLAN = frozenset({S.PLAN_ACTIVE, S.WARNED})
BEFORE_PLAN = IN_TALKS | {S.DRAFT}
OPEN = BEFORE_PLAN | IN_PLAN  # at most one such case per loan
CLOSED = frozenset(State) - OPEN
PAID_OFF = frozenset({S.COMPLETED, S.SETTLED})  # ended because nothing was owed any more
COLLECTION_STOPS = IN_TALKS | IN_PLAN


@dataclass(frozen=True)
class Move:
    """One line of the table: who may take a case from where to where, and what clock starts."""

    action: Action
    sources: frozenset[State]
    target: State
    by: Role
    promise: Promise | None = None


def _move(
    action: Action,
    sources: Iterable[State],
    target: State,
    by: Role,
    promise: Promise | None = None,
) -> Move:
    return Move(action, frozenset(sources), target, by, promise)


MOVES: tuple[Move, ...] = (
    _move(A.SUBMIT, {S.DRAFT}, S.SUBMITTED, R.BORROWER, P.REVIEW),
    _move(A.WITHDRAW, BEFORE_PLAN, S.WITHDRAWN, R.BORROWER),
    # claiming and releasing leave the review's clock as it runs
    _move(A.CLAIM, {S.SUBMITTED}, S.IN_REVIEW, R.STAFF, P.REVIEW_REST),
    _move(A.RELEASE, {S.IN_REVIEW}, S.SUBMITTED, R.STAFF, P.REVIEW_REST),
    _move(A.ASK_PROOF, {S.IN_REVIEW}, S.NEED_MORE, R.STAFF, P.EVIDENCE),
    _move(A.SUPPLY, {S.NEED_MORE}, S.IN_REVIEW, R.BORROWER, P.REVIEW_REST),
    _move(A.PASS, {S.IN_REVIEW}, S.NEGOTIATING, R.STAFF, P.COMPOSE),
    _move(A.REJECT, {S.IN_REVIEW, S.NEGOTIATING, S.COUNTERED}, S.REJECTED, R.STAFF, P.APPEAL),
    _move(A.APPEAL, {S.REJECTED}, S.SUBMITTED, R.BORROWER, P.REVIEW),
    _move(A.OFFER, {S.NEGOTIATING, S.COUNTERED}, S.OFFERED, R.STAFF, P.OFFER_VALID),
    _move(A.ACCEPT_COUNTER, {S.COUNTERED}, S.OFFERED, R.STAFF, P.OFFER_VALID),
    _move(A.ASK_APPROVAL, {S.NEGOTIATING, S.COUNTERED}, S.AWAITING_APPROVAL, R.STAFF, P.APPROVAL),
    _move(A.APPROVE, {S.AWAITING_APPROVAL}, S.OFFERED, R.STAFF, P.OFFER_VALID),
    _move(A.SEND_BACK, {S.AWAITING_APPROVAL}, S.NEGOTIATING, R.STAFF, P.COMPOSE),
    _move(A.WITHDRAW_OFFER, {S.OFFERED}, S.NEGOTIATING, R.STAFF, P.COMPOSE),
    # a payment changed the debt: the same terms again, on the same clock
    _move(A.REISSUE, {S.OFFERED}, S.OFFERED, R.SYSTEM, P.OFFER_REST),
    _move(A.REISSUE, {S.AWAITING_APPROVAL}, S.AWAITING_APPROVAL, R.SYSTEM, P.OFFER_REST),
    # … and where they no longer fit the debt, staff compose anew
    _move(A.WITHDRAW_OFFER, {S.OFFERED}, S.NEGOTIATING, R.SYSTEM, P.COMPOSE),
    _move(A.SEND_BACK, {S.AWAITING_APPROVAL}, S.NEGOTIATING, R.SYSTEM, P.COMPOSE),
    _move(A.ACCEPT, {S.OFFERED}, S.PLAN_ACTIVE, R.BORROWER, P.PLAN),
    _move(A.COUNTER, {S.OFFERED}, S.COUNTERED, R.BORROWER, P.REPLY),
    _move(A.DECLINE, {S.OFFERED}, S.DECLINED, R.BORROWER),
    _move(A.EXPIRE, {S.NEED_MORE, S.OFFERED}, S.EXPIRED, R.SYSTEM),
    _move(A.REOPEN, {S.EXPIRED}, S.DRAFT, R.BORROWER),
    _move(A.REVOKE, IN_PLAN, S.NEGOTIATING, R.STAFF, P.COMPOSE),
    _move(A.WARN, {S.PLAN_ACTIVE}, S.WARNED, R.SYSTEM, P.CURE),
    _move(A.CURE, {S.WARNED}, S.PLAN_ACTIVE, R.SYSTEM, P.PLAN),
    _move(A.BREACH, {S.WARNED}, S.BREACHED, R.STAFF),
    _move(A.COMPLETE, IN_PLAN, S.COMPLETED, R.SYSTEM),
    # a broken plan stays broken; paying all that it left ends the case as settled too
    _move(A.SETTLE, BEFORE_PLAN | {S.BREACHED}, S.SETTLED, R.SYSTEM),
    # the payment that paid everything was reversed: what it ended goes on where it stood,
    # an application as a draft with its files, for its offer was made on another debt
    _move(A.REOPEN, {S.COMPLETED}, S.PLAN_ACTIVE, R.SYSTEM, P.PLAN),
    _move(A.REOPEN, {S.SETTLED}, S.DRAFT, R.SYSTEM),
    _move(A.UNSETTLE, {S.SETTLED}, S.BREACHED, R.SYSTEM),
)

# Whose turn it is; None = nobody has to do anything any more.
TURN: dict[State, Role | None] = {
    S.DRAFT: R.BORROWER,
    S.SUBMITTED: R.STAFF,
    S.IN_REVIEW: R.STAFF,
    S.NEED_MORE: R.BORROWER,
    S.NEGOTIATING: R.STAFF,
    S.AWAITING_APPROVAL: R.STAFF,
    S.OFFERED: R.BORROWER,
    S.COUNTERED: R.STAFF,
    S.PLAN_ACTIVE: R.BORROWER,
    S.WARNED: R.BORROWER,
    S.BREACHED: None,
    S.COMPLETED: None,
    S.REJECTED: R.BORROWER,
    S.DECLINED: None,
    S.EXPIRED: R.BORROWER,
    S.WITHDRAWN: None,
    S.SETTLED: None,
}

_BY_KEY: dict[tuple[State, Action, Role], Move] = {
    (source, move.action, move.by): move for move in MOVES for source in move.sources
}


def find_move(state: State | str, action: Action | str, role: Role | str) -> Move | None:
    """The move that `role` may make from `state`, or None.

    find_move(OFFERED, ACCEPT, BORROWER).target is PLAN_ACTIVE; for STAFF it is None.
    """
    return _BY_KEY.get((State(state), Action(action), Role(role)))


def open_moves(state: State | str, role: Role | str) -> tuple[Move, ...]:
    """All moves that `role` may make from `state`, in the table's order (for buttons)."""
    return tuple(m for m in MOVES if State(state) in m.sources and m.by == Role(role))
