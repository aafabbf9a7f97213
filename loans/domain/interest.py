"""Penalty interest: one formula whose segments are both the calculation and the explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts, Pause
from loans.domain.profile import ProductProfile


@dataclass(frozen=True, slots=True)
class Segment:
    """Days [from_on, to_on) of one instalment in which base and rate did not change."""

    from_on: date
    to_on: date
    days: int
    base: Decimal
    rate: Fraction
    reason: str
    end_reason: str
    component: Component

    @property
    def amount_exact(self) -> Fraction:
        """base × rate × days in yuan, exact."""
        raise NotImplementedError

    @property
    def amount(self) -> Decimal:
        """amount_exact to 12 decimal places."""
        raise NotImplementedError

    @property
    def rate_shown(self) -> Decimal:
        """rate to 12 decimal places."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class InstalmentPenalty:
    """Cumulative penalty of one instalment up to a date, from the facts alone."""

    number: int
    due_on: date
    overdue_days: int
    total: Decimal
    ordinary_part: Decimal
    surcharge_part: Decimal
    capped_part: Decimal
    compound: Decimal
    per_day: Decimal
    unpaid_principal: Decimal
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class PenaltyExplanation:
    """Penalty (and compound) of a loan as of a date; totals are sums of the instalments'."""

    as_of: date
    instalments: tuple[InstalmentPenalty, ...]
    total: Decimal
    compound: Decimal
    per_day: Decimal


def overdue_days(profile: ProductProfile, due_on: date, as_of: date) -> int:
    """Days overdue."""
    raise NotImplementedError


def explain_penalty(
    profile: ProductProfile,
    facts: Sequence[InstalmentFacts],
    as_of: date,
    *,
    pauses: Sequence[Pause] = (),
) -> PenaltyExplanation:
    """Cumulative penalty."""
    raise NotImplementedError
