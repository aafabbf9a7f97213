"""Offers, plans, vesting and suggestions: bounds, columns, and the sentence of each refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from loans.domain.affordability import (
    ASK,
    NOTHING_FITS,
    NOTHING_LEFT,
    assess,
    heaviest_month,
    suggest_plans,
)
from loans.domain.breach import vest
from loans.domain.components import Components
from loans.domain.cost import annualised_cost
from loans.domain.plan_rules import PlanRules
from loans.domain.restructure import (
    DebtFigures,
    plan_preview,
    waive_by_percent,
)
from loans.domain.schedule import PlanPeriod, due_date
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO, share
from tests.loans.domain.support import DEBT_3, PLAN_RULES, day, profile, terms, yuan

HALF = yuan("0.50")
RICH = replace(DEBT_3, parts=replace(DEBT_3.parts, compound=yuan("1.20"), fee=yuan("20.00")))


@pytest.mark.parametrize(
    ("rule", "field", "changes"),
    [
        ("penalty: not above what is owed", "waive_penalty", {"waive_penalty": yuan("161.51")}),
        ("interest: not above what is owed", "waive_interest", {"waive_interest": yuan("110.13")}),
        ("compound: each its own", "waive_compound", {"waive_compound": yuan("1.21")}),
        ("fee: each its own", "waive_fee", {"waive_fee": yuan("20.01")}),
        ("no negative waiver", "waive_penalty", {"waive_penalty": yuan("-0.01")}),
        ("no half fen", "waive_penalty", {"waive_penalty": yuan("0.005")}),
        ("at least one term", "term_count", {"term_count": 0}),
        ("a period that is known", "period", {"period": "daily"}),
        ("a week has no due day", "due_day", {"period": "weekly", "due_day": 10}),
        ("first date after the figures", "first_due_on", {"first_due_on": day("2023-10-09")}),
        ("rate not above the contract's", "plan_annual_rate", {"plan_annual_rate": yuan("0.1081")}),
        ("no negative rate", "plan_annual_rate", {"plan_annual_rate": yuan("-0.01")}),
        ("figures of another day", "figures_as_of", {"figures_as_of": day("2023-10-08")}),
        ("due day of another date", "due_day", {"due_day": 11}),
    ],
)
def test_bounds_of_an_offer(rule: str, field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        plan_preview(profile(), RICH, terms(**changes))

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("nothing waived", {"waive_penalty": yuan("0.00")}),
        ("one term", {"term_count": 1}),
        ("sixty terms", {"term_count": 60}),
        ("the latest first date", {"first_due_on": day("2024-02-09")}),
        ("tomorrow", {"first_due_on": day("2023-10-10")}),
        ("the contract's rate", {"plan_annual_rate": yuan("0.108")}),
        ("every charge waived", {"waive_interest": yuan("110.12"), "waive_compound": yuan("1.20"), "waive_fee": yuan("20.00")}),
    ],
)  # fmt: skip
def test_offers_at_the_bounds_balance(rule: str, changes: dict[str, Any]) -> None:
    plan = plan_preview(profile(), RICH, terms(**changes))

    assert plan.total + plan.waived == plan.before_total + plan.plan_interest
    assert sum(row.principal for row in plan.rows) == RICH.principal
    assert sum(row.kept_interest for row in plan.rows) == plan.kept_interest
    assert sum(row.kept_penalty for row in plan.rows) == plan.kept_penalty
    assert min(row.total for row in plan.rows) >= yuan("0.01")


def test_debt_too_small_for_so_many_terms() -> None:
    debt = DebtFigures(day("2023-10-09"), Components(yuan("0.05")))

    with pytest.raises(InvalidInput) as caught:
        plan_preview(profile(), debt, terms(waive_penalty=yuan("0.00"), term_count=6))

    assert caught.value.field == "term_count"


def test_due_day_31_is_clipped_month_by_month() -> None:
    plan = plan_preview(
        profile(), DEBT_3, terms(first_due_on=day("2023-11-30"), due_day=31, term_count=4)
    )

    assert [str(row.due_on) for row in plan.rows] == [
        "2023-11-30", "2023-12-31", "2024-01-31", "2024-02-29",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "first_due_on", "interest"),
    [
        ("a whole month", "2023-11-09", "36.00"),
        ("a deferral bears no interest", "2024-02-09", "36.00"),
        ("a nearer date: 16 days over 360", "2023-10-25", "19.20"),
    ],
)
def test_first_interest_of_a_plan(rule: str, first_due_on: str, interest: str) -> None:
    changed = terms(first_due_on=day(first_due_on), term_count=24, plan_annual_rate=yuan("0.072"))

    assert plan_preview(profile(), DEBT_3, changed).rows[0].interest == yuan(interest)


def test_interest_only_loans_get_level_plans_too() -> None:
    product = profile("0.144", rate_kind="annual", method="interest_only")

    plan = plan_preview(product, DEBT_3, terms(plan_annual_rate=yuan("0.072"), term_count=24))

    assert (plan.rows[0].principal, plan.rows[0].interest) == (yuan("233.18"), yuan("36.00"))


@pytest.mark.parametrize(
    ("percent", "waived"),
    [("0", "0.00"), ("60", "96.90"), ("33.33", "53.82"), ("99.99", "161.48"), ("100", "161.50")],
)
def test_percent_rounds_down(percent: str, waived: str) -> None:
    assert waive_by_percent(yuan("161.50"), yuan(percent)) == yuan(waived)


def test_latest_first_due_is_clipped() -> None:
    assert PLAN_RULES.latest_first_due(day("2023-10-31")) == day("2024-02-29")


@pytest.mark.parametrize(
    ("rule", "field", "changes", "number"),
    [
        ("at most 60 terms", "term_count", {"term_count": 61}, 1),
        ("deferral of 3 months at most", "first_due_on", {"first_due_on": day("2024-02-10")}, 1),
        ("at most two plans on a loan", "plan", {}, 3),
    ],
)
def test_limits_of_a_plan(rule: str, field: str, changes: dict[str, Any], number: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        PLAN_RULES.check_limits(terms(**changes), plan_number=number)

    assert caught.value.field == field


def test_limits_are_those_of_the_rules() -> None:
    wider = replace(PLAN_RULES, max_plan_terms=72, deferral_months=4, max_plans_per_loan=3)

    wider.check_limits(terms(term_count=72, first_due_on=day("2024-03-09")), plan_number=3)


def test_rules_of_a_plan_survive_their_json_and_nothing_else_does() -> None:
    stored = PLAN_RULES.to_dict()

    assert PlanRules.from_dict(stored) == PLAN_RULES
    for broken in ({**stored, "cure_days": 181}, {**stored, "more": 1}, {"cure_days": 10}):
        with pytest.raises(InvalidInput):
            PlanRules.from_dict(broken)


@pytest.mark.parametrize(
    ("rule", "start", "payments", "cost"),
    [
        ("nothing above principal", "2024-01-10", ["02-10 50.00", "03-10 50.00"], "0.0000"),
        ("one month at 1 %", "2024-01-10", ["02-10 101.00"], "0.1200"),
        ("v = (√23308 − 50) / 104.04", "2024-01-10", ["02-10 50.00", "03-10 52.02"], "0.1602"),
        ("30 days of a month of 31 are one month", "2024-01-10", ["02-09 101.00"], "0.1200"),
        ("half a month: 12 × (1.01² − 1)", "2024-01-10", ["01-25 101.00"], "0.2412"),
        ("a month and a half: 12 × (1.01^⅔ − 1)", "2024-01-10", ["02-25 101.00"], "0.0799"),
        ("the days of each date: 1.01 at 1 + 20 / 30", "2024-01-10", ["03-01 101.00"], "0.0719"),
        ("a clipped month is a month", "2024-01-31", ["02-29 101.00"], "0.1200"),
        ("two months and no day", "2024-01-10", ["03-10 102.01"], "0.1200"),
        ("what is due is paid at once", "2024-01-10", ["01-01 50.00", "02-10 50.50"], "0.1200"),
    ],
)
def test_annualised_cost(rule: str, start: str, payments: list[str], cost: str) -> None:
    dated = [(day(f"2024-{x[:5]}"), yuan(x[6:])) for x in payments]

    assert annualised_cost(yuan("100.00"), day(start), dated) == yuan(cost)


@pytest.mark.parametrize(
    ("rule", "payments"),
    [
        ("all due today", ["01-10 100.01"]),
        ("tomorrow, at more than 1,000 % a month", ["01-11 120.00"]),
    ],
)
def test_no_yearly_cost_where_no_rate_says_it(rule: str, payments: list[str]) -> None:
    dated = [(day(f"2024-{x[:5]}"), yuan(x[6:])) for x in payments]

    assert annualised_cost(yuan("100.00"), day("2024-01-10"), dated) is None


def test_a_day_more_to_the_first_payment_never_jumps_the_yearly_cost() -> None:
    """Days beyond whole months were dropped: 26.96 % on one date, 17.87 % on the next."""
    start = day("2026-11-16")
    found = []
    for days in range(28, 92):
        first = start + timedelta(days=days)
        dated = [(due_date(first, k, first.day), yuan("1090.00")) for k in range(6)]
        cost = annualised_cost(yuan("6000.00"), start, dated)
        assert cost is not None
        found.append(cost)

    assert all(ZERO <= before - after < yuan("0.0100") for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("rule", "paid", "vested", "returned"),
    [
        ("nothing paid", "0.00", "0.00", "161.50"),
        ("one fen paid", "0.01", "0.00", "161.50"),
        ("a third: DOWN", "2000.00", "53.83", "107.67"),
        ("all but a fen", "5999.99", "161.49", "0.01"),
        ("all paid", "6000.00", "161.50", "0.00"),
    ],
)
def test_vesting(rule: str, paid: str, vested: str, returned: str) -> None:
    found = vest(yuan("161.50"), yuan("6000.00"), yuan(paid))

    assert (found.vested, found.returned) == (yuan(vested), yuan(returned))


def test_vesting_of_more_than_the_plan_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        vest(yuan("161.50"), yuan("6000.00"), yuan("6000.01"))

    assert caught.value.field == "paid_principal"


def test_what_comes_back_is_shared_over_what_was_waived() -> None:
    parts = share(yuan("94.21"), [yuan("100.00"), yuan("61.50")])

    assert tuple(parts) == (yuan("58.33"), yuan("35.88"))


def test_warning_and_cure_dates() -> None:
    assert PLAN_RULES.warning_on(day("2024-01-10")) == day("2024-01-13")
    assert PLAN_RULES.cure_until(day("2024-01-13")) == day("2024-01-23")


def test_the_guide_is_the_share_of_the_policy() -> None:
    found = assess(yuan("6000.00"), yuan("3799.99"), share=yuan("0.33"))

    assert (found.guide, found.share) == (yuan("726.00"), yuan("0.33"))


def test_affordability_of_three_numbers() -> None:
    found = assess(yuan("6000.00"), yuan("3799.99"), yuan("1500.00"), share=HALF)

    assert (found.left_over, found.guide, found.limit) == (
        yuan("2200.01"), yuan("1100.00"), yuan("1100.00"),
    )  # fmt: skip
    assert found.exceeds_guide(yuan("1100.01"))


@pytest.mark.parametrize(
    ("rule", "numbers", "limit"),
    [
        ("only what can be paid", (None, None, yuan("800.00")), yuan("800.00")),
        ("income without spending says nothing", (yuan("6000.00"), None, None), None),
        ("nothing told", (None, None, None), None),
        ("spending above income", (yuan("100.00"), yuan("200.00"), None), yuan("0.00")),
    ],
)
def test_affordability_of_fewer(rule: str, numbers: tuple[Any, ...], limit: Any) -> None:
    assert assess(*numbers, share=HALF).limit == limit


@pytest.mark.parametrize(
    ("rule", "dates", "most"),
    [
        ("nothing", [], "0.00"),
        ("monthly", ["2024-01-31", "2024-02-29", "2024-03-31"], "200.00"),
        ("half-monthly", ["2024-01-25", "2024-02-10", "2024-02-25", "2024-03-10"], "400.00"),
        ("five Fridays of a month", [f"2024-03-{n:02}" for n in (1, 8, 15, 22, 29)], "1000.00"),
    ],
)
def test_what_a_plan_asks_of_one_month(rule: str, dates: list[str], most: str) -> None:
    assert heaviest_month([(day(on), yuan("200.00")) for on in dates]) == yuan(most)


def test_weekly_suggestions_fit_the_month_and_not_the_week() -> None:
    found = suggest_plans(
        profile(),
        DEBT_3,
        assess(None, None, yuan("1200.00"), share=HALF),
        first_due_on=day("2023-11-10"),
        max_terms=60,
        period=PlanPeriod.WEEKLY,
    ).closest

    assert found is not None
    assert (found.terms.term_count, found.largest) == (26, yuan("1174.95"))


def test_suggestions_closest_faster_slower() -> None:
    found = suggest_plans(
        profile(),
        DEBT_3,
        assess(yuan("6000.00"), yuan("4800.00"), share=HALF),
        first_due_on=day("2023-11-10"),
        max_terms=60,
    )

    shown = [found.faster, found.closest, found.slower]
    assert [(s.terms.term_count, s.largest) for s in shown if s] == [
        (9, yuan("679.00")), (11, yuan("555.52")), (13, yuan("470.12")),
    ]  # fmt: skip
    assert [s.within_guide for s in shown if s] == [False, True, True]
    assert found.message == ""


@pytest.mark.parametrize(
    ("rule", "numbers", "message"),
    [
        ("nothing told", (None, None, None), ASK),
        ("nothing left over", (yuan("100.00"), yuan("100.00"), None), NOTHING_LEFT),
        ("too little for 60 terms", (None, None, yuan("50.00")), NOTHING_FITS),
    ],
)
def test_no_suggestion_says_why(rule: str, numbers: tuple[Any, ...], message: str) -> None:
    found = suggest_plans(
        profile(),
        DEBT_3,
        assess(*numbers, share=HALF),
        first_due_on=day("2023-11-10"),
        max_terms=60,
    )

    assert (found.closest, found.faster, found.slower) == (None, None, None)
    assert found.message == message


def test_a_stored_debt_says_again_what_its_sums_consist_of() -> None:
    kept = Components(kept_interest=yuan("27.55"), kept_penalty=yuan("110.57"))
    parts = Components(yuan("5000.00"), yuan("84.65"), yuan("132.57"))
    figures = DebtFigures(day("2026-12-03"), parts, kept, yuan("3.10"))

    again = DebtFigures.from_json(figures.as_json())

    assert again == figures
    assert again.worded_parts() == [
        ("剩余本金", yuan("5000.00")),
        ("已到期利息", yuan("54.00")),
        ("罚息", yuan("22.00")),
        ("保留利息", yuan("27.55")),
        ("保留罚息", yuan("110.57")),
        ("未到期利息", yuan("3.10")),
    ]
    assert sum(amount for _, amount in again.worded_parts()) == figures.total
