"""No rule accepts a float: found by reflection, for every number and date of every public rule."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

from loans.domain import (
    affordability,
    allocation,
    breach,
    components,
    cost,
    facts,
    plan_rules,
    products,
    profile,
    restructure,
    schedule,
)
from loans.domain.allocation import InstalmentDue, Prepayable
from loans.domain.facts import InstalmentFacts, Pause, PaymentFact
from loans.domain.penalty import interest
from portal.core.kernel.errors import InvalidInput
from tests.loans.domain import support
from tests.loans.domain.support import DEBT_3, LOAN_3, PLAN_RULES, day, terms, yuan

MODULES = (
    affordability, allocation, breach, components, cost, facts, interest, plan_rules, products, profile,
    restructure, schedule,
)  # fmt: skip
PRODUCT = support.profile()
D1, D2, D3 = day("2024-01-10"), day("2024-02-10"), day("2024-03-10")
DUE = InstalmentDue(1, D1, components.Components(yuan("100.00")))
ROWS = schedule.build_schedule(
    PRODUCT, principal=yuan("300.00"), drawdown_on=D1, term_months=3, due_day=10
)

CALLS: dict[Callable[..., Any], dict[str, Any]] = {
    affordability.assess: {"income": yuan("1.00"), "spending": yuan("1.00"), "payable": yuan("1.00"), "share": yuan("0.50")},
    affordability.heaviest_month: {"payments": [(D2, yuan("1.01"))]},
    affordability.suggest_plans: {
        "profile": PRODUCT, "debt": DEBT_3, "affordability": affordability.assess(payable=yuan("600.00"), share=yuan("0.50")),
        "first_due_on": day("2023-11-10"), "waive_penalty": yuan("1.00"),
        "plan_annual_rate": yuan("0.01"), "max_terms": 12,
    },
    allocation.payoff: {"dues": [DUE], "prepayable": Prepayable(yuan("1.00"))},
    allocation.allocation_order: {"profile": PRODUCT, "dues": [DUE], "as_of": D2},
    allocation.allocate: {"profile": PRODUCT, "amount": yuan("1.00"), "dues": [DUE], "as_of": D2, "plan": False, "prepayable": Prepayable(yuan("1.00"))},
    breach.vest: {"waived": yuan("1.00"), "plan_principal": yuan("2.00"), "paid_principal": yuan("1.00")},
    facts.check_facts: {"facts": LOAN_3, "pauses": [Pause(D1, D2, "试验")]},
    interest.overdue_days: {"profile": PRODUCT, "due_on": D1, "as_of": D2},
    interest.explain_penalty: {"profile": PRODUCT, "facts": LOAN_3, "as_of": D2, "pauses": [Pause(D1, D2, "试验")]},
    interest.penalty_totals: {"profile": PRODUCT, "facts": LOAN_3, "as_of": D2, "pauses": [Pause(D1, D2, "试验")]},
    interest.principal_penalty: {"profile": PRODUCT, "as_of": D2},
    products.product: {"code": "daily_004"},
    restructure.waive_by_percent: {"outstanding": yuan("1.00"), "percent": yuan("50")},
    profile.check_profile: {"value": PRODUCT},
    restructure.check_relief_terms: {"profile": PRODUCT, "debt": DEBT_3, "terms": terms()},
    restructure.plan_preview: {"profile": PRODUCT, "debt": DEBT_3, "terms": terms()},
    restructure.plan_rows: {"profile": PRODUCT, "debt": DEBT_3, "terms": terms()},
    cost.annualised_cost: {"principal": yuan("1.00"), "from_on": D1, "payments": [(D2, yuan("1.01"))]},
    cost.check_payment: {"payment": (D2, yuan("1.01"))},
    schedule.due_date: {"start_on": D1, "months": 1, "due_day": 10},
    schedule.period_date: {"first_on": D1, "number": 1, "period": schedule.PlanPeriod.HALF_MONTHLY, "due_day": 10},
    schedule.half_month_days: {"due_day": 10},
    schedule.is_whole_month: {"start_on": D1, "due_on": D2},
    schedule.accrued_interest: {"profile": PRODUCT, "balance": yuan("1.00"), "from_on": D1, "to_on": D2},
    schedule.build_schedule: {
        "profile": PRODUCT, "principal": yuan("300.00"), "drawdown_on": D1, "term_months": 3, "due_day": 10,
    },
    schedule.recompute_schedule: {
        "profile": PRODUCT, "balance": yuan("300.00"), "from_on": D1, "due_dates": [D2, D3], "first_number": 2,
        "residual": yuan("100.00"),
    },
    schedule.residual_of: {"profile": PRODUCT, "principal": yuan("300.00")},
    schedule.accelerate_schedule: {"profile": PRODUCT, "remaining": ROWS[1:], "on": day("2024-02-20")},
    schedule.amortise: {"profile": PRODUCT, "principal": yuan("300.00"), "start_on": D1, "dates": [D2], "residual": yuan("0.00")},
    InstalmentDue: {"instalment": 1, "due_on": D1, "parts": DUE.parts},
    components.Components: {component.value: yuan("1.00") for component in components.Component},
    Prepayable: {"principal": yuan("1.00"), "interest": yuan("1.00")},
    PaymentFact: {"on": D1, "component": components.Component.INTEREST, "amount": yuan("1.00")},
    Pause: {"from_on": D1, "to_on": D2, "reason": "试验"},
    InstalmentFacts: {
        "number": 1, "due_on": D1, "principal": yuan("1.00"), "interest": yuan("1.00"),
        "penalty_from": D2, "closed_on": D2, "opened_on": D1,
    },
    restructure.ReliefTerms: {
        "figures_as_of": D1, "first_due_on": D2, "term_count": 2, "due_day": 10,
        "plan_annual_rate": yuan("0.01"),
        **{f"waive_{part}": yuan("1.00") for part in ("penalty", "interest", "compound", "fee")},
    },
    profile.ProductProfile: {field.name: getattr(PRODUCT, field.name) for field in fields(PRODUCT)},
    plan_rules.PlanRules: {field.name: getattr(PLAN_RULES, field.name) for field in fields(PLAN_RULES)},
}  # fmt: skip

# Results: only the rules make them, so they check nothing.
RESULTS = {
    "Affordability", "Charges", "Suggestion", "Suggestions", "Allocation", "AllocationLine", "Vesting",
    "Segment", "InstalmentPenalty", "PenaltyExplanation", "Sums", "DebtFigures", "InParts", "WithWaivers",
    "PlanShape", "PlanRow", "PlanPreview", "ScheduledInstalment",
}  # fmt: skip
WORDS = {
    "Component", "InterestDays", "Method", "PenaltyBase", "PenaltyCause", "PlanPeriod", "PrepayEffect",
    "RateKind",
}  # fmt: skip


def _numbers(value: Any) -> bool:
    return isinstance(value, Decimal | int | date) and not isinstance(value, bool)


def _with_floats(arguments: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each argument (or field, or first element) that is a number or a date, as a float."""
    for name, value in arguments.items():
        if _numbers(value):
            yield name, {**arguments, name: 1.0}
        elif name == "debt" and is_dataclass(value) and not isinstance(value, type):
            for field in fields(value):
                if _numbers(getattr(value, field.name)):
                    yield (
                        f"{name}.{field.name}",
                        {**arguments, name: replace(value, **{field.name: 1.0})},
                    )
        elif isinstance(value, list | tuple) and value:
            yield f"{name}[0]", {**arguments, name: [1.0, *value[1:]]}


CASES = [
    pytest.param(rule, arguments, id=f"{rule.__name__}:{name}")
    for rule, valid in CALLS.items()
    for name, arguments in _with_floats(valid)
]


@pytest.mark.parametrize(("rule", "arguments"), CASES)
def test_a_float_is_refused_and_the_field_named(
    rule: Callable[..., Any], arguments: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        rule(**arguments)

    assert caught.value.field
    assert caught.value.message.endswith(("。", "float"))


@pytest.mark.parametrize("rule", CALLS, ids=lambda rule: rule.__name__)
def test_the_same_call_without_floats_is_accepted(rule: Callable[..., Any]) -> None:
    rule(**CALLS[rule])


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_rule_is_tried(module: ModuleType) -> None:
    own = {
        name
        for name, thing in vars(module).items()
        if (inspect.isfunction(thing) or inspect.isclass(thing))
        and thing.__module__ == module.__name__
        and not name.startswith("_")
    }

    assert own <= {rule.__name__ for rule in CALLS} | RESULTS | WORDS
