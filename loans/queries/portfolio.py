"""The whole portfolio as of a date: outstanding penalty to the fen, by the formula of one loan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from loans.models import Instalment, Loan
from loans.queries.penalty import penalty_owed
from loans.queries.stream import stream_standings
from portal.core.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class PortfolioPenalty:
    """Sums in yuan: loans with a due date passed, those that owe penalty, and how much."""

    as_of: date
    loans: int
    owing: int
    penalty: Decimal


def loans_past_due(on: date) -> QuerySet[Loan]:
    """Loans that were not settled on ``on`` and have an instalment due before it."""
    passed = Instalment.objects.filter(schedule__loan=OuterRef("pk"), due_on__lt=on)
    unsettled = Q(settled_on__isnull=True) | Q(settled_on__gt=on)
    return Loan.objects.filter(unsettled, Exists(passed), drawdown_on__lte=on)


def each_penalty(on: date) -> Iterator[tuple[int, Decimal]]:
    """The id of every loan past due and the penalty (and compound) it owes, in four queries."""
    with transaction.atomic():
        for loan_id, standing in stream_standings(loans_past_due(on), on):
            yield loan_id, penalty_owed(standing, on)


def portfolio_penalty(on: date) -> PortfolioPenalty:
    """Outstanding penalty (and compound) of all loans as of a date, exact to the fen.

    The sum of ``debt(loan, on).penalty`` over the loans; nothing is stored, no job ran before.
    Memory does not grow with the number of loans. Example: one loan of domain.md §3 on
    2023-09-20: loans 1, owing 1, penalty 110.21.
    """
    loans = owing = 0
    total = ZERO
    for _, penalty in each_penalty(on):
        loans += 1
        owing += penalty > ZERO
        total += penalty
    return PortfolioPenalty(as_of=on, loans=loans, owing=owing, penalty=total)
