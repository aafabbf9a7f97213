"""Schedules, one rule a row; due dates, both rates, both methods, prepayment, acceleration."""

from __future__ import annotations

from typing import Any

import pytest

from loans.domain.schedule import (
    PlanPeriod,
    accelerate_schedule,
    accrued_interest,
    build_schedule,
    due_date,
    period_date,
    recompute_schedule,
    residual_of,
)
from portal.core.kernel.errors import InvalidInput
from tests.loans.domain.support import day, profile, yuan

ANNUAL = {"rate_kind": "annual", "method": "interest_only"}


def build(product: Any, principal: str, start: str, months: int, due_day: int) -> Any:
    return build_schedule(
        product,
        principal=yuan(principal),
        drawdown_on=day(start),
        term_months=months,
        due_day=due_day,
    )


@pytest.mark.parametrize(
    ("rule", "start", "months", "due_day", "expected"),
    [
        ("31st in a leap February", "2024-01-31", 1, 31, "2024-02-29"),
        ("31st in a common February", "2023-01-31", 1, 31, "2023-02-28"),
        ("30th in February", "2024-01-30", 1, 30, "2024-02-29"),
        ("29th in a common February", "2023-01-29", 1, 29, "2023-02-28"),
        ("31st after a clipped month is the 31st again", "2024-01-31", 2, 31, "2024-03-31"),
        ("31st in a month of 30 days", "2024-01-31", 3, 31, "2024-04-30"),
        ("across the year end", "2023-11-15", 2, 15, "2024-01-15"),
        ("National Day is not moved", "2024-09-01", 1, 1, "2024-10-01"),
        ("a Sunday is not moved", "2024-08-08", 1, 8, "2024-09-08"),
        ("sixty months ahead", "2024-02-29", 60, 29, "2029-02-28"),
        ("a month back", "2024-03-31", -1, 31, "2024-02-29"),
    ],
)
def test_due_dates(rule: str, start: str, months: int, due_day: int, expected: str) -> None:
    assert due_date(day(start), months, due_day) == day(expected)


@pytest.mark.parametrize(
    ("rule", "period", "first", "due_day", "expected"),
    [
        ("weekly", "weekly", "2023-12-22", 22, ["2023-12-29", "2024-01-05", "2024-01-12"]),
        ("the 10th and the 25th", "half_monthly", "2023-11-10", 10, ["2023-11-25", "2023-12-10", "2023-12-25"]),
        ("begun with the later one", "half_monthly", "2023-11-25", 25, ["2023-12-10", "2023-12-25", "2024-01-10"]),
        ("the 15th and the end of February", "half_monthly", "2024-02-15", 15, ["2024-02-29", "2024-03-15", "2024-03-30"]),
        ("the 31st and the 16th", "half_monthly", "2024-01-31", 31, ["2024-02-16", "2024-02-29", "2024-03-16"]),
        ("a clipped day comes back", "half_monthly", "2024-02-29", 31, ["2024-03-16", "2024-03-31", "2024-04-16"]),
    ],
)  # fmt: skip
def test_dates_of_a_plan(
    rule: str, period: str, first: str, due_day: int, expected: list[str]
) -> None:
    dates = [period_date(day(first), n, PlanPeriod(period), due_day) for n in (1, 2, 3)]

    assert [str(on) for on in dates] == expected
    assert all(
        period_date(day(text), -number, PlanPeriod(period), due_day) == day(first)
        for number, text in enumerate(expected, start=1)
        if period == "weekly" or number % 2 == 0
    )


def test_short_months_clip_each_due_date_on_its_own() -> None:
    rows = build(profile("0.0004"), "9000.00", "2024-01-31", 4, 31)

    assert [str(row.due_on) for row in rows] == [
        "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31",
    ]  # fmt: skip
    assert [row.start_on for row in rows][1:] == [row.due_on for row in rows][:-1]


@pytest.mark.parametrize(
    ("rule", "start", "due_day", "interest"),
    [
        ("31 days of January", "2024-01-10", 10, "124.00"),
        ("29 days of a leap February", "2024-02-10", 10, "116.00"),
        ("28 days of a common February", "2023-02-10", 10, "112.00"),
        ("a short first period", "2024-01-25", 10, "64.00"),
        ("a long first period", "2024-01-05", 28, "216.00"),
    ],
)
def test_daily_interest_is_by_actual_days(
    rule: str, start: str, due_day: int, interest: str
) -> None:
    (row,) = build(profile("0.0004"), "10000.00", start, 1, due_day)

    assert (row.principal, row.interest) == (yuan("10000.00"), yuan(interest))


@pytest.mark.parametrize(
    ("rule", "start", "due_day", "first"),
    [
        ("a whole month is a twelfth", "2024-01-10", 10, "120.00"),
        ("February too", "2023-02-10", 10, "120.00"),
        ("month end to month end", "2024-01-31", 31, "120.00"),
        ("broken: 21 days over 360", "2024-01-20", 10, "84.00"),
        ("broken: 41 days over 360", "2024-01-10", 20, "164.00"),
    ],
)
def test_annual_interest_only(rule: str, start: str, due_day: int, first: str) -> None:
    rows = build(profile("0.144", **ANNUAL), "10000.00", start, 3, due_day)

    assert [row.interest for row in rows] == [yuan(first), yuan("120.00"), yuan("120.00")]
    assert [row.principal for row in rows] == [yuan("0.00"), yuan("0.00"), yuan("10000.00")]


def test_broken_period_by_365_when_the_profile_says_so() -> None:
    rows = build(profile("0.144", **ANNUAL, year_basis=365), "10000.00", "2024-01-20", 2, 10)

    assert rows[0].interest == yuan("82.85")


def test_annual_equal_instalments_are_level_and_the_last_takes_the_fen() -> None:
    rows = build(profile("0.12", rate_kind="annual"), "10000.00", "2024-01-10", 12, 10)

    assert {row.total for row in rows[:-1]} == {yuan("888.49")}
    assert (rows[0].interest, rows[0].principal) == (yuan("100.00"), yuan("788.49"))
    assert rows[-1].total == yuan("888.47")
    assert sum(row.principal for row in rows) == yuan("10000.00")


def shown(rows: Any) -> list[tuple[str, str]]:
    return [(str(row.principal), str(row.interest)) for row in rows]


@pytest.mark.parametrize(
    ("rule", "product", "principal", "expected"),
    [
        # 10,000 / 3 = 3,333.33; × 0.0004 × 31, 29, 31 days of 10,000.00, 6,666.67, 3,333.34
        ("daily", {"rate": "0.0004"}, "10000.00",
         [("3333.33", "124.00"), ("3333.33", "77.33"), ("3333.34", "41.33")]),
        # 1 % a month of the same balances
        ("yearly", {"rate": "0.12", "rate_kind": "annual"}, "10000.00",
         [("3333.33", "100.00"), ("3333.33", "66.67"), ("3333.34", "33.33")]),
        ("rate 0", {"rate": "0"}, "10000.00",
         [("3333.33", "0.00"), ("3333.33", "0.00"), ("3333.34", "0.00")]),
        ("a fen each", {"rate": "0.0004"}, "0.03", [("0.01", "0.00")] * 3),
    ],
)  # fmt: skip
def test_equal_principal(
    rule: str, product: dict[str, Any], principal: str, expected: list[tuple[str, str]]
) -> None:
    rows = build(profile(method="equal_principal", **product), principal, "2024-01-10", 3, 10)

    assert shown(rows) == expected


@pytest.mark.parametrize(
    ("rule", "product", "expected"),
    [
        # (10,000 − 4,000 / 1.01³) × 0.01 / (1 − 1.01⁻³) = 2,080.13; by hand row by row
        ("yearly", {"rate": "0.12", "rate_kind": "annual"},
         [("1980.13", "100.00"), ("1999.93", "80.20"), ("6019.94", "60.20")]),
        ("rate 0", {"rate": "0"}, [("2000.00", "0.00"), ("2000.00", "0.00"), ("6000.00", "0.00")]),
        # (10,000 × 1.0124 × 1.0116 × 1.0124 − 4,000) / (1.0116 × 1.0124 + 1.0124 + 1) = 2,097.26
        ("daily", {"rate": "0.0004"},
         [("1973.26", "124.00"), ("2004.15", "93.11"), ("6022.59", "74.68")]),
    ],
)  # fmt: skip
def test_a_balloon_leaves_its_residual_to_the_last(
    rule: str, product: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    balloon = profile(method="balloon", balloon_share=yuan("0.4"), **product)

    assert shown(build(balloon, "10000.00", "2024-01-10", 3, 10)) == expected


def test_a_residual_is_rounded_down_to_the_fen() -> None:
    balloon = profile(method="balloon", balloon_share=yuan("0.333"))

    assert residual_of(balloon, yuan("100.01")) == yuan("33.30")
    assert residual_of(profile(), yuan("100.01")) == yuan("0.00")


def test_a_prepayment_leaves_the_residual_and_makes_the_instalments_smaller() -> None:
    balloon = profile("0.12", rate_kind="annual", method="balloon", balloon_share=yuan("0.4"))
    dates = [day("2024-03-10"), day("2024-04-10")]

    def rest(balance: str) -> list[tuple[str, str]]:
        rows = recompute_schedule(
            balloon, balance=yuan(balance), from_on=day("2024-02-10"), due_dates=dates,
            residual=yuan("4000.00"),
        )  # fmt: skip
        return shown(rows)

    assert rest("6000.00") == [("995.02", "60.00"), ("5004.98", "50.05")]
    assert rest("3000.00") == [("0.00", "30.00"), ("3000.00", "30.00")]


@pytest.mark.parametrize(
    ("rule", "year_basis", "interest"),
    [
        ("31, 29, 31 days over 360", 360, ["124.00", "116.00", "124.00"]),
        ("over 365", 365, ["122.30", "114.41", "122.30"]),
    ],
)
def test_a_yearly_rate_by_actual_days(rule: str, year_basis: int, interest: list[str]) -> None:
    product = profile("0.144", **ANNUAL, interest_days="actual", year_basis=year_basis)

    rows = build(product, "10000.00", "2024-01-10", 3, 10)

    assert [str(row.interest) for row in rows] == interest


def test_a_yearly_rate_by_actual_days_over_360_is_its_daily_rate() -> None:
    actual = profile("0.144", rate_kind="annual", interest_days="actual")

    rows = build(actual, "6000.00", "2024-01-20", 12, 10)

    assert rows == build(profile("0.0004"), "6000.00", "2024-01-20", 12, 10)


def test_rate_zero_is_the_zero_rate_split() -> None:
    rows = build(profile("0"), "1000.00", "2024-01-10", 3, 10)

    assert [row.total for row in rows] == [yuan("333.33"), yuan("333.33"), yuan("333.34")]


@pytest.mark.parametrize(
    ("rule", "rounding", "total"), [("half up", "HALF_UP", "2036.71"), ("down", "DOWN", "2036.70")]
)
def test_round_instalment(rule: str, rounding: str, total: str) -> None:
    rows = build(profile(round_instalment=rounding), "6000.00", "2023-06-10", 3, 10)

    assert rows[0].total == yuan(total)


@pytest.mark.parametrize(
    ("rule", "start", "due_day", "first"),
    [
        ("21 days instead of a month: 12 000 × 24 % × 21 / 360", "2024-01-20", 10, "168.00"),
        ("41 days", "2024-01-10", 20, "328.00"),
        ("59 days, dearer than the instalment itself", "2024-01-01", 31, "472.00"),
    ],
)
@pytest.mark.parametrize("months", [12, 120])
def test_a_broken_first_period_changes_the_first_instalment_only(
    rule: str, start: str, due_day: int, first: str, months: int
) -> None:
    """The difference fell into the last: 1,134.72 × 11, then 1,413.19."""
    product = profile("0.24", rate_kind="annual")
    usual = build(product, "12000.00", "2024-01-10", months, 10)

    rows = build(product, "12000.00", start, months, due_day)

    assert [row.principal for row in rows] == [row.principal for row in usual]
    assert [row.total for row in rows[1:]] == [row.total for row in usual[1:]]
    assert abs(rows[-1].total - rows[1].total) < yuan("2.00")
    assert rows[0].interest == yuan(first)


def test_a_prepayment_within_a_period_changes_its_first_instalment_only() -> None:
    product = profile("0.12", rate_kind="annual")
    dates = [day("2024-03-10"), day("2024-04-10"), day("2024-05-10")]

    rows = recompute_schedule(
        product, balance=yuan("3000.00"), from_on=day("2024-02-20"), due_dates=dates
    )

    assert [row.interest for row in rows] == [yuan("19.00"), yuan("20.10"), yuan("10.10")]
    assert [row.total for row in rows] == [yuan("1009.07"), yuan("1020.07"), yuan("1020.06")]


@pytest.mark.parametrize(
    ("rule", "product", "principal", "months", "expected"),
    [
        ("interest-only at rate 0", {"rate": "0"}, "1000.00", 12, [(12, "1000.00", "0.00")]),
        (
            "interest that rounds to 0.00 in the short month alone",
            {"rate": "0.0002"}, "0.86", 3,
            [(1, "0.00", "0.01"), (3, "0.86", "0.01")],
        ),
        ("yearly, each month 0.004", {"rate": "0.048", "rate_kind": "annual"}, "1.00", 3,
         [(3, "1.00", "0.00")]),
    ],
)  # fmt: skip
def test_no_instalment_of_nothing_is_in_a_schedule(
    rule: str, product: dict[str, Any], principal: str, months: int, expected: list[Any]
) -> None:
    rows = build(profile(method="interest_only", **product), principal, "2023-01-10", months, 10)

    assert [(row.number, str(row.principal), str(row.interest)) for row in rows] == expected
    assert all(row.due_on == due_date(day("2023-01-10"), row.number, 10) for row in rows)


@pytest.mark.parametrize(
    ("rule", "rate", "principal", "start", "months", "due_day"),
    [
        ("360 months at 0.05 % a day", "0.0005", "10000.00", "2024-01-10", 360, 10),
        ("a first period dearer than the level", "0.0005", "10000.00", "2024-01-05", 60, 28),
        ("nothing left for the last", "0.0004", "0.06", "2024-01-10", 4, 10),
    ],
)
def test_terms_whose_instalments_repay_nothing_are_refused(
    rule: str, rate: str, principal: str, start: str, months: int, due_day: int
) -> None:
    with pytest.raises(InvalidInput) as caught:
        build(profile(rate), principal, start, months, due_day)

    assert caught.value.field == "term_months"
    assert "请减少期数" in caught.value.message


def test_a_small_rest_after_a_prepayment_ends_early() -> None:
    dates = [due_date(day("2024-01-10"), k, 10) for k in (1, 2, 3, 4)]

    rows = recompute_schedule(
        profile("0.0004"), balance=yuan("0.02"), from_on=day("2024-01-10"), due_dates=dates,
        first_number=5,
    )  # fmt: skip

    assert [(row.number, row.total) for row in rows] == [(5, yuan("0.01")), (6, yuan("0.01"))]


def test_prepayment_keeps_the_dates_and_makes_instalments_smaller() -> None:
    product = profile("0.144", **ANNUAL)
    dates = [day("2024-03-10"), day("2024-04-10")]

    rows = recompute_schedule(
        product, balance=yuan("6000.00"), from_on=day("2024-02-20"), due_dates=dates, first_number=2
    )

    assert [(row.number, row.due_on) for row in rows] == [(2, dates[0]), (3, dates[1])]
    assert [row.interest for row in rows] == [yuan("45.60"), yuan("72.00")]
    assert rows[-1].principal == yuan("6000.00")


def test_acceleration_drops_future_interest() -> None:
    product = profile("0.144", **ANNUAL)
    rows = build(product, "10000.00", "2024-01-10", 3, 10)

    row = accelerate_schedule(product, rows[1:], on=day("2024-02-20"))

    assert (row.number, row.due_on, row.principal, row.interest) == (
        2, day("2024-02-20"), yuan("10000.00"), yuan("40.00"),
    )  # fmt: skip


def test_accrued_interest_is_half_open() -> None:
    product = profile("0.0003")
    same = day("2023-06-10")

    assert accrued_interest(product, balance=yuan("6000.00"), from_on=same, to_on=same) == 0
    assert accrued_interest(
        product, balance=yuan("6000.00"), from_on=same, to_on=day("2023-07-10")
    ) == yuan("54.00")


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("principal", {"principal": yuan("0.02")}),
        ("principal", {"principal": yuan("-1.00")}),
        ("principal", {"principal": yuan("1.005")}),
        ("principal", {"principal": yuan("NaN")}),
        ("term_months", {"term_months": 0}),
        ("term_months", {"term_months": 361}),
        ("term_months", {"term_months": True}),
        ("due_day", {"due_day": 32}),
        ("due_day", {"due_day": 0}),
        ("drawdown_on", {"drawdown_on": "2024-01-10"}),
    ],
)
def test_bad_input_names_the_field(field: str, changes: dict[str, Any]) -> None:
    values: dict[str, Any] = {
        "principal": yuan("6000.00"),
        "drawdown_on": day("2024-01-10"),
        "term_months": 3,
        "due_day": 10,
    }

    with pytest.raises(InvalidInput) as caught:
        build_schedule(profile(), **{**values, **changes})

    assert caught.value.field == field


def test_recompute_refuses_dates_out_of_order() -> None:
    with pytest.raises(InvalidInput) as caught:
        recompute_schedule(
            profile(),
            balance=yuan("100.00"),
            from_on=day("2024-02-20"),
            due_dates=[day("2024-02-20")],
        )

    assert caught.value.field == "due_dates"
