"""What a borrower sees while proposing something else: suggestions, and what a proposal gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.domain.affordability import Suggestion, heaviest_month, suggest_plans
from loans.queries.types import Debt
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO
from relief.cases.models import Case
from relief.offers.compose import Composed
from relief.offers.models import Offer
from relief.offers.suggestions import affordability_of


@dataclass(frozen=True, slots=True)
class Chip:
    """A monthly sum to propose with one press."""

    label: str
    monthly: Decimal
    terms: int


@dataclass(frozen=True, slots=True)
class Chips:
    """Suggestions from the three numbers, or the sentence why there are none."""

    items: tuple[Chip, ...]
    message: str
    guide: Decimal | None


@dataclass(frozen=True, slots=True)
class CounterPreview:
    """What the proposal would give, in yuan."""

    waived: Decimal
    more: Decimal
    less: Decimal
    instalment: Decimal
    terms: int
    total: Decimal
    first_due_on: date
    above_guide: bool
    share: Decimal


def chips(case: Case, offer: Offer, debt: Debt) -> Chips:
    """The closest plan, one faster and one slower (relief/RULES.md §3), as HMRC's time-to-pay."""
    affordability = affordability_of(case)
    terms = offer.offer_terms
    try:
        suggestions = suggest_plans(
            case.loan.terms,
            debt.figures,
            affordability,
            first_due_on=terms.first_due_on,
            waive_penalty=min(terms.waive_penalty, debt.figures.penalty),
            plan_annual_rate=terms.plan_annual_rate,
            period=terms.period,
            max_terms=case.policy.rules.max_plan_terms,
        )
    except InvalidInput:  # the offer's first date has gone by; nothing to suggest from it
        return Chips((), "", affordability.guide)
    some = [suggestions.slower, suggestions.closest, suggestions.faster]
    items = tuple(_chip(suggestion) for suggestion in some if suggestion is not None)
    return Chips(items, suggestions.message, affordability.guide)


def _chip(suggestion: Suggestion) -> Chip:
    return Chip(suggestion.label, suggestion.largest, suggestion.terms.term_count)


def preview_of(case: Case, offer: Offer, composed: Composed | None) -> CounterPreview | None:
    """The proposal beside the offer it answers; nothing where the figures do not fit yet."""
    if composed is None:
        return None
    affordability = affordability_of(case)
    rows = composed.plan.rows
    month = heaviest_month([(row.due_on, row.total) for row in rows])
    difference = composed.terms.waive_penalty - offer.offer_terms.waive_penalty
    return CounterPreview(
        waived=composed.plan.waived,
        more=max(difference, ZERO),
        less=max(-difference, ZERO),
        instalment=rows[0].total,
        terms=len(rows),
        total=composed.plan.total,
        first_due_on=rows[0].due_on,
        above_guide=affordability.exceeds_guide(month),
        share=affordability.share,
    )
