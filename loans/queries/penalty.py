"""查看罚息: the story of a loan's penalty, its past under replaced schedules, and its forecast."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from loans.domain.penalty.interest import PenaltyExplanation, penalty_totals
from loans.models import Account, Loan
from loans.queries.penalty_basis import PenaltyBasis, R, S
from loans.queries.position import Position, load_position
from portal.core.kernel.money import ZERO


def penalty_story(loan: Loan, on: date) -> PenaltyExplanation:
    """How the penalty of the instalments in force arose up to ``on``: cumulative, before payments.

    The same function that the services book by; ``total`` minus what was paid or waived of it
    is ``debt(loan, on).penalty``. Example of loans/RULES.md §3: 2023-09-20 → 64.24 + 36.89 + 9.08.
    """
    return story_of(load_position(loan), on)


def story_of(position: Position, on: date) -> PenaltyExplanation:
    """`penalty_story` from books already read; only the instalments in force are explained."""
    story, lines = position.explanation(on)
    in_force = tuple(lines[i.pk] for i in position.live(on) if i.pk in lines)
    return PenaltyExplanation.of(story.as_of, in_force)


def penalty_owed(standing: PenaltyBasis[S, R], on: date) -> Decimal:
    """Outstanding penalty and compound on a date, from books already read."""
    rows, facts = standing.facts(on)
    totals = penalty_totals(standing.profile, facts, on)
    owed = ZERO
    for row, fact, (penalty, compound, _) in zip(rows, facts, totals, strict=True):
        if fact.closed_on is None:  # in force
            owed += penalty - standing.reduced(row.pk, Account.PENALTY, on)
            owed += compound - standing.reduced(row.pk, Account.COMPOUND, on)
    return owed
