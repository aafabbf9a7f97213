"""Product profiles: what is refused, what is kept, and that JSON gives the same profile back."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from loans.domain.products import PRODUCTS, product
from loans.domain.profile import ProductProfile
from portal.core.kernel.errors import InvalidInput
from tests.loans.domain.support import profile, yuan


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rate", yuan("-0.0001")),
        ("rate", yuan("0.0101")),
        ("rate", yuan("NaN")),
        ("rate", "0.0004"),
        ("rate_kind", "weekly"),
        ("method", "bullet"),
        ("year_basis", 361),
        ("cap_year_basis", 400),
        ("penalty_multiplier", yuan("1.29")),
        ("penalty_multiplier", yuan("1.51")),
        ("annual_cap", yuan("1.01")),
        ("penalty_start_offset", -1),
        ("grace_days", 61),
        ("grace_days", True),
        ("grace_retroactive", 1),
        ("as_of_inclusive", "yes"),
        ("penalty_base", "everything"),
        ("round_penalty", "CEILING"),
        ("npl_days", -1),
        ("prepay_effect", "shorten"),
        ("code", ""),
        ("name", " "),
    ],
)
def test_refusals_name_the_field(field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        replace(profile(), **{field: value})

    assert caught.value.field == field
    assert caught.value.message.endswith("。")


@pytest.mark.parametrize(
    ("rule", "field", "changes"),
    [
        ("a balloon has a residual", "balloon_share", {"method": "balloon"}),
        ("only a balloon has one", "balloon_share", {"balloon_share": yuan("0.4")}),
        ("most of it is repaid", "balloon_share", {"method": "balloon", "balloon_share": yuan("0.91")}),
        ("a daily rate counts days anyway", "interest_days", {"interest_days": "actual"}),
        ("below the ordinary rate", "penalty_rate_stated", {"penalty_rate_stated": yuan("0.00029")}),
        ("above twice the ordinary rate", "penalty_rate_stated", {"penalty_rate_stated": yuan("0.00061")}),
        ("no more than the ceiling", "penalty_rate_stated",
         {"rate": yuan("0.0004"), "penalty_rate_stated": yuan("0.0007")}),
        ("misuse: 1.5 to 2.0", "penalty_rate_stated",
         {"penalty_cause": "misuse", "penalty_rate_stated": yuan("0.00044")}),
        ("misuse by a multiplier: 1.5 to 2.0", "penalty_multiplier",
         {"penalty_cause": "misuse", "penalty_multiplier": yuan("1.4")}),
        ("lateness by a multiplier: 1.3 to 1.5", "penalty_multiplier", {"penalty_multiplier": yuan("2")}),
        ("one or the other", "penalty_multiplier",
         {"penalty_rate_stated": yuan("0.0004"), "penalty_multiplier": yuan("1.4")}),
        ("a float", "penalty_rate_stated", {"penalty_rate_stated": 0.0004}),
        ("a fee below nothing", "late_fee", {"late_fee": yuan("-1.00")}),
        ("a share above a tenth", "late_fee_share", {"late_fee_share": yuan("0.11")}),
        ("a limit of no fee", "late_fee_most", {"late_fee_most": yuan("10.00")}),
        ("a fee without a ceiling", "annual_cap", {"late_fee": yuan("20.00"), "annual_cap": None}),
        ("a fee beside penalty rounded up", "round_penalty", {"late_fee": yuan("20.00")}),
    ],
)  # fmt: skip
def test_what_makes_no_sense_together_is_refused(
    rule: str, field: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        replace(profile(), **changes)

    assert caught.value.field == field
    assert caught.value.message.endswith("。")


@pytest.mark.parametrize(
    ("rule", "changes", "penalty"),
    [
        ("stated a day", {"penalty_rate_stated": yuan("0.0005")}, Fraction(1, 2000)),
        ("stated a year, as the rate",
         {"rate_kind": "annual", "rate": yuan("0.144"), "penalty_rate_stated": yuan("0.18")}, Fraction(1, 2000)),
        ("as the ordinary rate: no surcharge", {"penalty_rate_stated": yuan("0.0003")}, Fraction(3, 10000)),
        ("misuse, twice", {"penalty_cause": "misuse", "penalty_multiplier": yuan("2")}, Fraction(6, 10000)),
        ("misuse above the ceiling is cut",
         {"rate": yuan("0.0004"), "penalty_cause": "misuse", "penalty_multiplier": yuan("2")}, Fraction(24, 36500)),
    ],
)  # fmt: skip
def test_the_penalty_rate_of_a_day(rule: str, changes: dict[str, Any], penalty: Fraction) -> None:
    product = replace(profile(), **changes)

    assert product.penalty_rate == penalty
    assert ProductProfile.from_dict(json.loads(json.dumps(product.to_dict()))) == product


def test_interest_is_not_charged_twice() -> None:
    with pytest.raises(InvalidInput) as caught:
        profile(penalty_base="due_principal_and_interest", compound_on_interest=True)

    assert caught.value.field == "compound_on_interest"


@pytest.mark.parametrize("code", PRODUCTS)
def test_json_round_trip(code: str) -> None:
    stored = json.dumps(PRODUCTS[code].to_dict())

    assert ProductProfile.from_dict(json.loads(stored)) == PRODUCTS[code]


def test_ceiling_off_survives_json() -> None:
    product = profile(annual_cap=None)

    assert ProductProfile.from_dict(product.to_dict()) == product


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("surprise", {"surprise": 1}),
        ("rate", {"rate": "four"}),
        ("rate", {"rate": 0.0004}),
        ("grace_days", {"grace_days": 3.0}),
    ],
)
def test_from_dict_refuses(field: str, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        ProductProfile.from_dict(profile().to_dict() | change)

    assert caught.value.field == field


def test_from_dict_names_what_is_missing() -> None:
    data = profile().to_dict()
    del data["rate"]

    with pytest.raises(InvalidInput) as caught:
        ProductProfile.from_dict(data)

    assert caught.value.field == "rate"


@pytest.mark.parametrize(
    ("code", "daily", "penalty", "annual"),
    [
        ("daily_004", Fraction(1, 2500), Fraction(3, 5000), Fraction(18, 125)),
        ("daily_005_capped", Fraction(1, 2000), Fraction(24, 36500), Fraction(9, 50)),
        ("annual_144_interest_only", Fraction(1, 2500), Fraction(3, 5000), Fraction(18, 125)),
    ],
)
def test_rates_are_exact(code: str, daily: Fraction, penalty: Fraction, annual: Fraction) -> None:
    found = product(code)

    assert (found.daily_rate, found.penalty_rate, found.annual_rate) == (daily, penalty, annual)


def test_unknown_product_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        product("payday")

    assert caught.value.field == "product"


@pytest.mark.parametrize(
    ("rule", "changes", "yearly"),
    [
        ("a daily rate by the ceiling's year: 18.25 %", {"rate": "0.0005"}, "0.1825"),
        ("whatever year interest counts", {"rate": "0.0005", "year_basis": 366}, "0.1825"),
        ("a ceiling by 360 days", {"rate": "0.0005", "cap_year_basis": 360}, "0.18"),
        ("a yearly rate is its own", {"rate_kind": "annual", "rate": "0.144"}, "0.144"),
    ],
)
def test_the_yearly_figure_beside_a_rate(rule: str, changes: dict[str, Any], yearly: str) -> None:
    assert profile(**changes).yearly_rate == Fraction(yearly)


def test_a_profile_stored_with_the_plan_rules_of_before_still_loads() -> None:
    before = profile().to_dict() | {
        "max_plan_terms": 60,
        "max_deferral_months": 3,
        "plan_grace_days": 3,
        "cure_days": 10,
        "max_plans_per_loan": 2,
        "vesting": "proportional",
    }

    assert ProductProfile.from_dict(before) == profile()
