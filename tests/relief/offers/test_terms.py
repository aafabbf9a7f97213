"""Bounds, percentages and authority of an offer: relief/RULES.md §5 to §7."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from loans.domain.components import Components
from loans.domain.restructure import DebtFigures
from loans.domain.schedule import PlanPeriod
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank
from relief.cases.policy import ReliefPolicy
from relief.offers.terms import (
    OfferTerms,
    check_offer_terms,
    needed_rank,
    offer_digest,
    penalty_by_percent,
)
from tests.loans.domain.support import profile

D = Decimal
ON = date(2023, 10, 9)
DEBT = DebtFigures(ON, Components(D("6000.00"), D("110.12"), D("161.50")))
BIG = DebtFigures(ON, Components(D("90000.00"), D("900.00"), D("9000.00")))
POLICY = ReliefPolicy()
PRODUCT = profile()  # 0.03 % a day: 10.8 % a year


def offer(**changes: Any) -> OfferTerms:
    values: dict[str, Any] = {
        "figures_as_of": ON,
        "term_count": 12,
        "first_due_on": date(2023, 11, 10),
    }
    return OfferTerms(**(values | changes))


@pytest.mark.parametrize(
    ("penalty", "percent", "delay", "waived"),
    [
        ("161.50", "60", "0.00", "96.90"),
        ("161.50", "60", "4.80", "98.82"),
        ("161.50", "33.33", "0.00", "53.82"),
        ("161.50", "100", "0.00", "161.50"),
        ("161.50", "0", "4.80", "4.80"),
    ],
)
def test_percent_rounds_down(penalty: str, percent: str, delay: str, waived: str) -> None:
    assert penalty_by_percent(D(penalty), D(percent), D(delay)) == D(waived)


def test_a_period_comes_back_and_a_monthly_one_leaves_old_digests_alone() -> None:
    weekly = offer(period=PlanPeriod.WEEKLY)

    assert OfferTerms.from_dict(weekly.to_dict()) == weekly
    assert OfferTerms.from_dict(offer().to_dict()) == offer()
    assert "period" not in offer().to_dict()


@pytest.mark.parametrize("percent", [D("100.01"), D("-0.01"), 60.0])
def test_a_percentage_is_exact_and_from_0_to_100(percent: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        penalty_by_percent(D("161.50"), percent)

    assert refused.value.field == "penalty_percent"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("waive_penalty", {"waive_penalty": D("161.51")}),
        ("waive_penalty", {"waive_penalty": D("-0.01")}),
        ("waive_penalty", {"waive_penalty": D("1.00"), "delay_waiver": D("2.00")}),
        ("waive_interest", {"waive_interest": D("110.13")}),
        ("waive_compound", {"waive_compound": D("0.01")}),
        ("waive_fee", {"waive_fee": D("0.01")}),
        ("term_count", {"term_count": 0}),
        ("term_count", {"term_count": 61}),
        ("term_count", {"term_count": True}),
        ("term_count", {"term_count": 12.0}),
        ("waive_penalty", {"waive_penalty": 1.0}),
        ("plan_annual_rate", {"plan_annual_rate": 0.01}),
        ("first_due_on", {"first_due_on": ON}),
        ("first_due_on", {"first_due_on": date(2024, 2, 10)}),
        ("plan_annual_rate", {"plan_annual_rate": D("0.1081")}),
        ("plan_annual_rate", {"plan_annual_rate": D("-0.01")}),
    ],
)
def test_terms_out_of_bounds_name_their_field(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_offer_terms(POLICY, PRODUCT, DEBT, offer(**changes))

    assert refused.value.field == field


def test_a_third_plan_is_refused() -> None:
    with pytest.raises(InvalidInput, match="最多协商 2 次"):
        check_offer_terms(POLICY, PRODUCT, DEBT, offer(), plan_number=3)


def test_terms_at_the_bounds_pass() -> None:
    at_most = offer(
        waive_penalty=D("161.50"),
        waive_interest=D("110.12"),
        term_count=60,
        first_due_on=date(2024, 2, 9),
        plan_annual_rate=D("0.108"),
    )

    check_offer_terms(POLICY, PRODUCT, DEBT, at_most, plan_number=2)


@pytest.mark.parametrize(
    ("debt", "changes", "extra", "rank"),
    [
        (DEBT, {"waive_penalty": D("80.75")}, {}, Rank.REVIEWER),
        (DEBT, {"waive_penalty": D("80.76")}, {}, Rank.SUPERVISOR),
        (DEBT, {"waive_penalty": D("161.50")}, {}, Rank.SUPERVISOR),
        (DEBT, {"waive_penalty": D("10.00")}, {"prior_granted": D("490.00")}, Rank.REVIEWER),
        (DEBT, {"waive_penalty": D("10.01")}, {"prior_granted": D("490.00")}, Rank.SUPERVISOR),
        (DEBT, {"waive_interest": D("0.01")}, {}, Rank.MANAGER),
        (DEBT, {"term_count": 36}, {}, Rank.REVIEWER),
        (DEBT, {"term_count": 37}, {}, Rank.MANAGER),
        (DEBT, {}, {"plan_number": 2}, Rank.MANAGER),
        (BIG, {"waive_penalty": D("500.00")}, {}, Rank.REVIEWER),
        (BIG, {"waive_penalty": D("500.01")}, {}, Rank.SUPERVISOR),
        (BIG, {"waive_penalty": D("5000.00")}, {}, Rank.SUPERVISOR),
        (BIG, {"waive_penalty": D("5000.01")}, {}, Rank.MANAGER),
        (DEBT, {"waive_penalty": D("90.75"), "delay_waiver": D("10.00")}, {}, Rank.REVIEWER),
        (BIG, {"waive_penalty": D("700.00"), "delay_waiver": D("200.00")}, {}, Rank.REVIEWER),
    ],
)
def test_authority(
    debt: DebtFigures, changes: dict[str, Any], extra: dict[str, Any], rank: Rank
) -> None:
    assert needed_rank(POLICY, debt, offer(**changes), **extra) == rank


def test_json_and_back() -> None:
    terms = offer(waive_penalty=D("96.90"), penalty_percent=D("60"), plan_annual_rate=D("0.072"))

    assert OfferTerms.from_dict(terms.to_dict()) == terms
    assert ReliefPolicy.from_dict(POLICY.to_dict()) == POLICY


def test_the_digest_changes_with_every_part() -> None:
    base: dict[str, Any] = {
        "case_number": "JM20261123-0001",
        "offer_number": 1,
        "terms": offer(),
        "figures": {"penalty": "161.50"},
        "rows": [{"total": "509.17"}],
    }
    others = [
        {"offer_number": 2},
        {"terms": offer(waive_penalty=D("0.01"))},
        {"figures": {"penalty": "161.51"}},
        {"rows": [{"total": "509.18"}]},
        {"case_number": "JM20261123-0002"},
    ]

    digests = {offer_digest(**base), *(offer_digest(**(base | other)) for other in others)}

    assert len(digests) == 6


def test_the_same_terms_on_a_smaller_debt() -> None:
    smaller = DebtFigures(date(2023, 10, 12), Components(D("6000.00"), penalty=D("61.50")))
    by_percent = offer(waive_penalty=D("96.90"), penalty_percent=D("60"))
    by_amount = offer(waive_penalty=D("96.90"), waive_interest=D("5.00"))

    assert by_percent.on_debt(smaller, delay_waiver=D("0.00")).waive_penalty == D("36.90")
    again = by_amount.on_debt(smaller, delay_waiver=D("0.00"))
    assert (again.waive_penalty, again.waive_interest) == (D("61.50"), D("0.00"))
    assert again.figures_as_of == date(2023, 10, 12)


@pytest.mark.parametrize(
    "raw", [{"review_workdays": -1}, {"nonsense": 1}, {"review_deadline_time": "later"}]
)
def test_a_wrong_policy_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        ReliefPolicy.from_dict(raw)
