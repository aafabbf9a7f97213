"""The table of moves: one owner a state, no dead ends, no doubles, everything has its words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from portal.core.kernel.roles import Role
from relief.cases.drawing import workflow_page
from relief.cases.labels import ACTION_LABELS, TURN_LABELS, WORDS, label, next_step
from relief.cases.notices import AUDIT_EVENT_LABELS, RULES, AuditEvent
from relief.cases.policy import ReliefPolicy
from relief.cases.workflow import (
    CLOSED,
    MOVES,
    OPEN,
    TURN,
    Action,
    State,
    find_move,
    open_moves,
)


def test_every_state_has_one_turn_two_labels_and_a_sentence() -> None:
    assert set(TURN) == set(State) == set(WORDS)
    for state in State:
        for role in (Role.BORROWER, Role.STAFF):
            assert label(state, role)
            sentence = next_step(state, role, "11月25日 18:00", ReliefPolicy())
            assert sentence.endswith("。")
            assert "{" not in sentence
            assert "{" not in next_step(state, role, "", ReliefPolicy())


def test_every_action_and_happening_has_words_and_notices() -> None:
    assert set(ACTION_LABELS) == set(Action)
    assert set(AUDIT_EVENT_LABELS) == set(AuditEvent)
    assert set(RULES) == {*Action, *AuditEvent}
    assert set(TURN_LABELS) == set(TURN.values())
    assert not set(Action) & set(AuditEvent)


def test_state_action_and_role_name_one_move() -> None:
    keys = Counter((source, move.action, move.by) for move in MOVES for source in move.sources)

    assert [key for key, times in keys.items() if times > 1] == []


def test_people_act_in_their_turn() -> None:
    """But for leaving, taking back, undoing, and confirming a breach."""
    out_of_turn = {Action.WITHDRAW, Action.WITHDRAW_OFFER, Action.REVOKE, Action.BREACH}
    for move in MOVES:
        if move.by == Role.SYSTEM or move.action in out_of_turn:
            continue
        assert {TURN[source] for source in move.sources} == {move.by}, move


def test_a_state_has_exits_for_people_exactly_when_somebody_has_the_turn() -> None:
    exits = {source for move in MOVES if move.by != Role.SYSTEM for source in move.sources}

    assert exits == {state for state in State if TURN[state] is not None}


def test_what_has_ended_moves_on_only_with_the_money() -> None:
    """A reversed payment takes back what it ended; paying all that a breach left settles it."""
    ended = {state for state in State if TURN[state] is None}
    moves = {
        (source, move.action, move.target) for move in MOVES for source in move.sources & ended
    }

    assert moves == {
        (State.BREACHED, Action.SETTLE, State.SETTLED),
        (State.COMPLETED, Action.REOPEN, State.PLAN_ACTIVE),
        (State.SETTLED, Action.REOPEN, State.DRAFT),
        (State.SETTLED, Action.UNSETTLE, State.BREACHED),
    }


def test_every_state_is_reachable_from_draft() -> None:
    reached, front = {State.DRAFT}, [State.DRAFT]
    while front:
        here = front.pop()
        for move in MOVES:
            if here in move.sources and move.target not in reached:
                reached.add(move.target)
                front.append(move.target)

    assert reached == set(State)


def test_open_and_closed_states_divide_all() -> None:
    assert set(State) == OPEN | CLOSED
    assert not OPEN & CLOSED


@pytest.mark.parametrize(
    ("state", "role", "actions"),
    [
        (State.DRAFT, Role.BORROWER, ["SUBMIT", "WITHDRAW"]),
        (State.SUBMITTED, Role.STAFF, ["CLAIM"]),
        (State.IN_REVIEW, Role.STAFF, ["RELEASE", "ASK_PROOF", "PASS", "REJECT"]),
        (State.OFFERED, Role.BORROWER, ["WITHDRAW", "ACCEPT", "COUNTER", "DECLINE"]),
        (State.OFFERED, Role.STAFF, ["WITHDRAW_OFFER"]),
        (State.COMPLETED, Role.STAFF, []),
    ],
)
def test_open_moves(state: State, role: Role, actions: list[str]) -> None:
    assert [move.action for move in open_moves(state, role)] == actions


def test_find_move_by_the_wrong_role_is_none() -> None:
    move = find_move("OFFERED", "ACCEPT", "BORROWER")

    assert move is not None
    assert move.target == State.PLAN_ACTIVE
    assert find_move("OFFERED", "ACCEPT", "STAFF") is None


def test_the_picture_is_up_to_date() -> None:
    page = Path(__file__).resolve().parents[3] / "relief" / "WORKFLOW.md"

    assert page.read_text(encoding="utf-8") == workflow_page(), "run manage.py draw_workflow"
