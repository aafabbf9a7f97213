"""From three optional numbers to a plan that fits: closest, one faster, one slower."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.domain.profile import ProductProfile
from loans.domain.restructure import DebtLike, PlanPreview, ReliefTerms


@dataclass(frozen=True, slots=True)
class Affordability:
    """left_over = income − spending; guide = half of it, DOWN; None when not told."""

    left_over: Decimal | None
    guide: Decimal | None
    limit: Decimal | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One plan: its terms, its preview, and whether its largest instalment is within the limit."""

    label: str
    terms: ReliefTerms
    preview: PlanPreview
    largest: Decimal
    within_guide: bool


@dataclass(frozen=True, slots=True)
class Suggestions:
    """None where there is no such plan; `message` says so in Chinese."""

    closest: Suggestion | None
    faster: Suggestion | None
    slower: Suggestion | None
    message: str


def assess(
    income: Decimal | None = None,
    spending: Decimal | None = None,
    payable: Decimal | None = None,
) -> Affordability:
    """What is left over and what a plan may cost a month."""
    raise NotImplementedError


def suggest_plans(
    profile: ProductProfile,
    debt: DebtLike,
    affordability: Affordability,
    *,
    first_due_on: date,
    waive_penalty: Decimal | None = None,
    plan_annual_rate: Decimal = Decimal(0),
    max_terms: int | None = None,
) -> Suggestions:
    """Plans near the limit; waive_penalty None = all of it."""
    raise NotImplementedError
