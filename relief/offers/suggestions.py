"""Plans that fit the borrower's figures: a start for the counter-offer and for staff."""

from __future__ import annotations

from datetime import date

from loans.domain.affordability import Affordability, Suggestions, assess, suggest_plans
from portal.core.kernel.businesstime import add_months
from relief.cases.models import Case
from relief.offers import compose


def affordability_of(case: Case) -> Affordability:
    """Left over, and what a plan may cost a month (yuan): at most the policy's share of what is left."""
    return assess(
        income=case.monthly_income,
        spending=case.monthly_spending,
        payable=case.affordable_payment,
        share=case.policy.rules.affordability_share,
    )


def suggest_for(case: Case, on: date) -> Suggestions:
    """The closest plan, one faster and one slower, on the debt of `on`, from a month later on."""
    return suggest_plans(
        case.loan.terms,
        compose.figures_of(case.loan, on),
        affordability_of(case),
        first_due_on=add_months(on, 1),
        max_terms=case.policy.rules.max_plan_terms,
    )
