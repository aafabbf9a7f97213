"""What a borrower may propose instead: bounded terms, computed and previewed like an offer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from loans.domain.restructure import DebtFigures
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO
from relief.cases.models import Case
from relief.offers import compose
from relief.offers.compose import Composed
from relief.offers.terms import OfferTerms


@dataclass(frozen=True)
class CounterDraft:
    """What the borrower proposes (yuan): a waiver, a first date, and a monthly sum or a term."""

    waive_penalty: Decimal
    first_due_on: date
    monthly: Decimal | None = None
    term_count: int | None = None


def preview_counter(*, case: Case, number: int, draft: CounterDraft, on: date) -> Composed:
    """What the borrower's proposal would give; InvalidInput says the bound that it breaks."""
    offer = compose.find_offer(case, number, for_borrower=True)
    figures = compose.figures_of(case.loan, on)
    base = OfferTerms(
        figures_as_of=on,
        term_count=draft.term_count or 1,
        first_due_on=draft.first_due_on,
        waive_penalty=max(draft.waive_penalty, compose.delay_waiver(case, figures)),
        plan_annual_rate=offer.offer_terms.plan_annual_rate,
        delay_waiver=compose.delay_waiver(case, figures),
    )
    if draft.monthly is None:
        if draft.term_count is None:
            raise InvalidInput("monthly", "请填写每月可还金额，或选择期数")
        return compose.compose(case, base, figures=figures)
    return _for_monthly(case, base, draft.monthly, figures)


def _for_monthly(case: Case, base: OfferTerms, monthly: Decimal, figures: DebtFigures) -> Composed:
    """The shortest plan whose largest instalment is at most `monthly` (yuan)."""
    most = case.policy.rules.max_plan_terms
    if monthly <= ZERO:
        raise InvalidInput("monthly", "每月可还金额要大于 0")
    remaining = figures.total - base.waived
    terms = min(max(1, -int(-remaining // monthly)), most)
    while True:
        composed = compose.compose(case, replace(base, term_count=terms), figures=figures)
        largest = max(row.total for row in composed.plan.rows)
        if largest <= monthly:
            return composed
        if terms >= most:
            raise InvalidInput("monthly", f"最长 {most} 期，每月至少 ¥{largest:,.2f}")
        terms += 1
