"""Short words for the tables of the domain tests: dates, yuan, profiles, facts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from loans.domain.components import Component, Components
from loans.domain.facts import InstalmentFacts, PaymentFact
from loans.domain.plan_rules import PlanRules
from loans.domain.profile import ProductProfile
from loans.domain.restructure import DebtFigures, ReliefTerms


def day(text: str) -> date:
    return date.fromisoformat(text)


def yuan(text: str) -> Decimal:
    return Decimal(text)


def profile(rate: str = "0.0003", **changes: Any) -> ProductProfile:
    values: dict[str, Any] = {
        "code": "test",
        "name": "试验产品",
        "rate_kind": "daily",
        "rate": Decimal(rate),
        "method": "equal_instalment",
    }
    return ProductProfile(**{**values, **changes})


PLAN_RULES = PlanRules(
    max_plan_terms=60,
    deferral_months=3,
    max_plans_per_loan=2,
    plan_reminder_days=3,
    plan_grace_days=3,
    cure_days=10,
)


def paid(on: str, amount: str, component: str = "principal", kind: str = "payment") -> PaymentFact:
    return PaymentFact(day(on), Component(component), Decimal(amount), kind)


def fact(
    due_on: str,
    principal: str,
    *payments: PaymentFact,
    interest: str = "0.00",
    number: int = 1,
    **dates: str,
) -> InstalmentFacts:
    marks = {name: day(text) for name, text in dates.items()}
    return InstalmentFacts(
        number, day(due_on), Decimal(principal), Decimal(interest), payments, **marks
    )


# The loan L of loans/RULES.md: 6,000 at 0.03 % a day, nothing paid.
LOAN_3 = (
    fact("2023-07-10", "1982.70", interest="54.00", number=1),
    fact("2023-08-10", "1999.34", interest="37.36", number=2),
    fact("2023-09-10", "2017.96", interest="18.76", number=3),
)
DEBT_3 = DebtFigures(
    day("2023-10-09"), Components(yuan("6000.00"), yuan("110.12"), penalty=yuan("161.50"))
)


def terms(**changes: Any) -> ReliefTerms:
    values: dict[str, Any] = {
        "figures_as_of": day("2023-10-09"),
        "waive_penalty": yuan("161.50"),
        "term_count": 12,
        "first_due_on": day("2023-11-10"),
    }
    return ReliefTerms(**{**values, **changes})
