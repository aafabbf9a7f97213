"""The books of many loans, one loan at a time: a constant number of queries and flat memory.

Each query is ordered by loan and read through a cursor; the rows are merged by loan id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from json import dumps, loads
from typing import Any, Generic, TypeVar

from django.db.models import F, Q, QuerySet, TextField
from django.db.models.functions import Cast

from loans.domain.profile import ProductProfile
from loans.models import Account, Entry, Instalment, Loan, Posting, Schedule
from loans.queries.penalty_basis import (
    BEARING,
    REDUCING,
    LeanInstalment,
    LeanSchedule,
    LedgerMovement,
    PenaltyBasis,
)
from loans.queries.position import INSTALMENT_ORDER, Position, grouped_moves

T = TypeVar("T")
CHUNK = 2000
CHANGING = (*REDUCING, Entry.Kind.REVERSAL.value)
CHARGED = tuple(
    account.value
    for account in (
        Account.PENALTY,
        Account.PENALTY_INCOME,
        Account.COMPOUND,
        Account.COMPOUND_INCOME,
    )
)


class ByKey(Generic[T]):
    """Rows (key, row) in ascending order of key, handed out key by key."""

    def __init__(self, rows: Iterable[tuple[int, T]]) -> None:
        self._rows = iter(rows)
        self._next = next(self._rows, None)

    def take(self, key: int) -> list[T]:
        """All rows of ``key``; those of smaller keys are passed over."""
        rows = []
        while self._next is not None and self._next[0] <= key:
            if self._next[0] == key:
                rows.append(self._next[1])
            self._next = next(self._rows, None)
        return rows


def keyed(rows: QuerySet[Any, Any]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The rows of a ``values_list`` as (first column, the others), through a cursor."""
    for key, *row in rows.iterator(chunk_size=CHUNK):
        yield key, tuple(row)


def stream_positions(loans: QuerySet[Loan] | None = None) -> Iterator[Position]:
    """The position of every loan (or of a choice), in ascending order of id, in four queries.

    Only rows of a few thousand are in memory at any time. Use inside one transaction when the
    figures of different loans must be of one moment (PostgreSQL then keeps its cursors, too).
    """
    schedules, rows = Schedule.objects.all(), Instalment.objects.all()
    postings = Posting.objects.all()
    if loans is not None:
        schedules = schedules.filter(loan__in=loans)
        rows = rows.filter(schedule__loan__in=loans)
        postings = postings.filter(entry__loan__in=loans)
    ordered = schedules.order_by("loan_id", "number").iterator(chunk_size=CHUNK)
    by_loan = ByKey((schedule.loan_id, schedule) for schedule in ordered)
    instalment_rows = rows.annotate(loan_pk=F("schedule__loan_id"))
    in_order = instalment_rows.order_by("schedule__loan_id", *INSTALMENT_ORDER).iterator(
        chunk_size=CHUNK
    )
    instalments: ByKey[Instalment] = ByKey((row.loan_pk, row) for row in in_order)
    moves = ByKey(keyed(grouped_moves(postings).order_by("entry__loan_id")))
    chosen = Loan.objects.all() if loans is None else loans
    for loan in chosen.order_by("pk").iterator(chunk_size=CHUNK):
        position = Position(
            loan=loan,
            profile=profile_of(dumps(loan.profile, sort_keys=True)),
            schedules=by_loan.take(loan.pk),
            instalments=instalments.take(loan.pk),
        )
        position.record(LedgerMovement(*move) for move in moves.take(loan.pk))
        yield position


Lean = PenaltyBasis[LeanSchedule, LeanInstalment]


def stream_standings(
    loans: QuerySet[Loan], on: date, *, whole: bool = False
) -> Iterator[tuple[int, Lean]]:
    """(loan id, what its penalty on a date follows from), in ascending order, in four queries.

    As stream_positions, but only the columns and postings that count: no model is made of them.
    With ``whole`` every posting up to the date, so that each balance can be told.
    """
    schedules = Schedule.objects.filter(loan__in=loans).order_by("loan_id", "number")
    by_loan = ByKey(keyed(schedules.values_list("loan_id", *LeanSchedule._fields)))
    rows = Instalment.objects.filter(schedule__loan__in=loans)
    in_order = rows.order_by("schedule__loan_id", *INSTALMENT_ORDER)
    instalments = ByKey(keyed(in_order.values_list("schedule__loan_id", *LeanInstalment._fields)))
    chosen = Posting.objects.filter(entry__loan__in=loans, entry__value_date__lte=on)
    if not whole:
        chosen = chosen.filter(
            Q(account__in=CHARGED) | Q(account__in=BEARING, entry__kind__in=CHANGING)
        )
    moves = ByKey(keyed(grouped_moves(chosen).order_by("entry__loan_id")))
    loan_profiles = loans.order_by("pk").values_list("pk", Cast("profile", TextField()))
    for pk, profile in loan_profiles.iterator(chunk_size=CHUNK):
        standing = Lean(
            profile=profile_of(profile),
            schedules=[LeanSchedule(*row) for row in by_loan.take(pk)],
            instalments=[LeanInstalment(*row) for row in instalments.take(pk)],
        )
        standing.record([LedgerMovement(*move) for move in moves.take(pk)])
        yield pk, standing


@lru_cache(maxsize=256)
def profile_of(text: str) -> ProductProfile:
    """Many loans share few products: each is validated once."""
    return ProductProfile.from_dict(loads(text))
