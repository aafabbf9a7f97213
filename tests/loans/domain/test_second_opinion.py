"""Schedules against numpy-financial where the conventions coincide: whole months, annual rate."""

from __future__ import annotations

from decimal import Decimal

import numpy_financial as npf
import pytest

from loans.domain.cost import annualised_cost
from loans.domain.restructure import plan_rows
from loans.domain.schedule import build_schedule, due_date
from tests.loans.domain.support import DEBT_3, day, profile, terms, yuan

FEN = Decimal("0.01")


@pytest.mark.parametrize("months", [1, 3, 6, 12, 24, 36, 60])
@pytest.mark.parametrize("annual", ["0.036", "0.072", "0.12", "0.144", "0.24"])
@pytest.mark.parametrize("principal", ["1000.00", "6000.00", "98765.43"])
def test_level_instalment_agrees(principal: str, annual: str, months: int) -> None:
    rows = build_schedule(
        profile(annual, rate_kind="annual"),
        principal=yuan(principal),
        drawdown_on=day("2024-01-10"),
        term_months=months,
        due_day=10,
    )

    theirs = -npf.pmt(Decimal(annual) / 12, Decimal(months), Decimal(principal))
    assert all(abs(row.total - theirs) <= FEN / 2 for row in rows[:-1])
    assert abs(rows[-1].total - theirs) <= FEN * months * 2


@pytest.mark.parametrize("annual", [0.036, 0.072, 0.144])
def test_each_principal_agrees_within_the_fen_carried_along(annual: float) -> None:
    rows = build_schedule(
        profile(str(annual), rate_kind="annual"),
        principal=yuan("6000.00"),
        drawdown_on=day("2024-01-10"),
        term_months=24,
        due_day=10,
    )

    for row in rows[:-1]:
        theirs = -float(npf.ppmt(annual / 12, row.number, 24, 6000.0))
        assert abs(float(row.principal) - theirs) <= 0.01 * (row.number + 1)


@pytest.mark.parametrize("share", ["0.1", "0.4", "0.9"])
@pytest.mark.parametrize("months", [3, 12, 36])
@pytest.mark.parametrize("annual", ["0.036", "0.144"])
def test_a_balloon_is_a_payment_with_a_future_value(annual: str, months: int, share: str) -> None:
    product = profile(annual, rate_kind="annual", method="balloon", balloon_share=Decimal(share))
    lent = yuan("10000.00")
    rows = build_schedule(
        product, principal=lent, drawdown_on=day("2024-01-10"), term_months=months, due_day=10
    )

    residual = lent * Decimal(share)
    theirs = -npf.pmt(Decimal(annual) / 12, Decimal(months), lent, -residual)
    assert all(abs(row.total - theirs) <= FEN / 2 for row in rows[:-1])
    assert abs(rows[-1].total - residual - theirs) <= FEN * months * 2


@pytest.mark.parametrize("count", [1, 12, 26])
@pytest.mark.parametrize("annual", ["0.036", "0.072"])
def test_a_weekly_plan_agrees_by_its_days(annual: str, count: int) -> None:
    asked = terms(
        term_count=count,
        period="weekly",
        plan_annual_rate=yuan(annual),
        first_due_on=day("2023-10-16"),
        waive_interest=DEBT_3.interest,
    )
    rows = plan_rows(profile(), DEBT_3, asked)

    theirs = -npf.pmt(Decimal(annual) * 7 / 360, Decimal(count), DEBT_3.principal)
    assert all(abs(row.total - theirs) <= FEN / 2 for row in rows[:-1])
    assert abs(rows[-1].total - theirs) <= FEN * count * 2
    assert (rows[-1].due_on - rows[0].due_on).days == 7 * (count - 1)


@pytest.mark.parametrize("payments", [["509.17"] * 11 + ["509.25"], ["269.18"] * 24, ["6300.00"]])
def test_annualised_cost_agrees_with_irr(payments: list[str]) -> None:
    start = day("2024-01-10")
    dated = [(due_date(start, k, 10), yuan(x)) for k, x in enumerate(payments, start=1)]
    ours = annualised_cost(yuan("6000.00"), start, dated)
    assert ours is not None

    theirs = 12 * npf.irr([-6000.0, *map(float, payments)])
    assert abs(float(ours) - theirs) <= 0.00006
