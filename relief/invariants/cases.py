"""Cases: a deadline while open, an audit trail that replays, and nothing that is there twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from loans.models import Loan
from portal.core.trail import chain
from relief.cases.models import Case, Deadline, Event
from relief.cases.workflow import CLOSED, OPEN, PAID_OFF, Action, State, find_move
from relief.invariants.violation import Violation
from relief.offers.models import Agreement

WITHOUT_DEADLINE = frozenset({State.DRAFT})
KEEPS_A_DATE = frozenset({State.REJECTED})  # until when an appeal is possible; nothing is swept
CHUNK = 2000
MOVES = frozenset(action.value for action in Action)


def deadlines(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """An open case says by when, and something will look at it then; an ended case says nothing.

    A warned plan whose time to cure is over waits for a supervisor, who has been told.
    """
    waiting = Exists(Deadline.objects.waiting().filter(case=OuterRef("pk")))
    rows = Case.objects.order_by("pk").annotate(is_watched=waiting)
    fields = ("number", "state", "next_due_at", "is_watched")
    must = rows.filter(state__in=OPEN - WITHOUT_DEADLINE)
    unwatched = must.filter(is_watched=False).exclude(state=State.WARNED, next_due_at__lte=now)
    for number, state, due, watched in unwatched.values_list(*fields):
        yield Violation("I3", number, f"{state} without a waiting deadline ({due}, {watched})")
    for number in must.filter(next_due_at=None).values_list("number", flat=True):
        yield Violation("I3", number, "open, but says no date")
    ended_cases = rows.filter(state__in=CLOSED)
    with_deadline = ended_cases.filter(
        Q(is_watched=True) | Q(next_due_at__isnull=False) & ~Q(state__in=KEEPS_A_DATE)
    )
    for number, state in with_deadline.values_list("number", "state"):
        yield Violation("I3", number, f"{state}, but a deadline is left")


def deadline_ends(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """A deadline is handled or cancelled, not both, and never before its time."""
    rows = Deadline.objects.filter(handled_at__isnull=False)
    for pk in rows.filter(cancelled_at__isnull=False).values_list("pk", flat=True):
        yield Violation("I3", f"deadline {pk}", "handled and cancelled")
    for pk, due, at in rows.values_list("pk", "due_at", "handled_at").iterator(CHUNK):
        if at is not None and at < due:
            yield Violation("I3", f"deadline {pk}", f"due {due}, handled {at}")


def trail(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """Every change of state has exactly one line, and the lines lead to where the case stands."""
    rows = Event.objects.order_by("case_id", "pk").values_list(
        "case_id", "action", "from_state", "to_state", "role"
    )
    stories = groupby(rows.iterator(CHUNK), key=itemgetter(0))
    replayed = {case_id: _replay(lines) for case_id, lines in stories}
    start = (State.DRAFT.value, 0, "")
    for pk, number, state, version in Case.objects.values_list(
        "pk", "number", "state", "version"
    ).iterator(CHUNK):
        end, moves, broken = replayed.get(pk, start)
        if broken:
            yield Violation("I4", number, broken)
        elif (end, moves) != (state, version):
            yield Violation(
                "I4", number, f"trail: {end} after {moves} moves; case: {state} after {version}"
            )


def chained(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """Every row of every trail is as this program wrote it, and none is gone."""
    for where, problem in chain.problems():
        yield Violation("I5", where, problem)


def _replay(lines: Iterator[tuple[Any, ...]]) -> tuple[str, int, str]:
    """(state at the end, number of moves, what is wrong) of one case's lines, oldest first."""
    state, moves = State.DRAFT.value, 0
    for _, action, before, after, role in lines:
        if before != state:
            return state, moves, f"{action} starts at {before}, the case stood at {state}"
        if action not in MOVES:
            if after != before:
                return state, moves, f"{action} is no move, but leads to {after}"
            continue
        transition = find_move(before, action, role)
        if transition is None or transition.target != after:
            return state, moves, f"{role} may not {action} from {before} to {after}"
        state, moves = after, moves + 1
    return state, moves, ""


def paid_off(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """While something is owed no case is ended by payment; when nothing is, none waits for it.

    A payment that is reversed takes back what it ended, so this holds after corrections too.
    """
    rows = Case.objects.order_by("pk")
    settled = Loan.Status.SETTLED
    for number, state in (
        rows.filter(state__in=PAID_OFF).exclude(loan__status=settled).values_list("number", "state")
    ):
        yield Violation("I4", number, f"{state}, but the loan is not settled")
    waits = rows.filter(state__in=OPEN | {State.BREACHED}, loan__status=settled)
    for number, state in waits.values_list("number", "state"):
        yield Violation("I4", number, f"{state}, but the loan is settled")


def only_one(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """One open case a loan, one agreement in force a case, one plan an agreement."""
    live = Agreement.objects.exclude(end_kind="revoked")
    yield from _several(Case.objects.open(), "loan__number", "open cases")
    yield from _several(live, "case__number", "agreements in force")
    yield from _several(Agreement.objects.all(), "plan_id", "agreements for one plan")


def _several(rows: QuerySet[Any], column: str, words: str) -> Iterator[Violation]:
    """Values of `column` that more than one row has."""
    counted = rows.order_by().values_list(column).annotate(count=Count("pk"))
    for where, count in counted.filter(count__gt=1):
        yield Violation("I10", f"{where}", f"{count} {words}")
