"""Every kind of product is put into its own words, and its page shows the rule's own figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from loans.domain.products import product
from loans.domain.profile import Method, PenaltyBase, PenaltyCause, ProductProfile, RateKind
from loans.presenters import rules, wording
from loans.queries.debt import load_debt
from portal.core.kernel.money import Rounding
from tests import factories
from tests.loans.pages.marks import figures

TODAY = date(2026, 3, 2)
DAILY = product("daily_004")
YEARLY = product("annual_144_interest_only")
STATED = replace(DAILY, penalty_rate_stated=Decimal("0.0005"))
YEARLY_STATED = replace(YEARLY, penalty_rate_stated=Decimal("0.18"))
MISUSE = replace(DAILY, penalty_cause=PenaltyCause.MISUSE, penalty_multiplier=Decimal("1.6"))
WITH_FEE = replace(
    DAILY,
    late_fee=Decimal("20.00"),
    late_fee_share=Decimal("0.01"),
    late_fee_most=Decimal("30.00"),
    round_penalty=Rounding.DOWN,
)
BALLOON = replace(DAILY, method=Method.BALLOON, balloon_share=Decimal("0.4"))


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (Decimal("0.0004"), "0.04%"),
        (Fraction(3, 4000), "0.075%"),
        (Fraction(24, 36500), "≈0.065753%"),
        (Decimal("0.144"), "14.4%"),
        (Decimal(0), "0%"),
        (Decimal("0.24"), "24%"),
    ],
)
def test_percent_is_exact_or_says_that_it_is_not(rate: Any, text: str) -> None:
    assert wording.percent(rate) == text


@pytest.mark.parametrize(
    ("days", "number"), [(1, 1), (30, 1), (31, 2), (180, 6), (181, 7), (999, 7)]
)
def test_credit_class_by_days(days: int, number: int) -> None:
    assert f"{number} 档" in wording.credit_class(days)


@pytest.mark.parametrize(
    ("profile", "title", "text"),
    [
        (DAILY, "罚息利率", "日利率 0.04% × 1.5 = 0.06%/天"),
        (
            product("annual_144_interest_only"),
            "罚息利率",
            "年利率 14.4% ÷ 360 × 1.5 = 0.06%/天",
        ),
        (
            product("daily_005_capped"),
            "封顶",
            "超过年化 24%，按 24% ÷ 365 ≈0.065753%/天计收",
        ),
        (
            replace(DAILY, grace_days=3),
            "宽限期",
            "到期后 3 天内还清不收罚息，超过后自到期日起算",
        ),
        (
            replace(DAILY, round_penalty=Rounding.DOWN),
            "舍入",
            "按期计算，每期只舍入一次，舍去不足一分的部分",
        ),
        (replace(DAILY, as_of_inclusive=True), "起止", "到期日当天计第 1 天，至还清当日止"),
        (replace(DAILY, penalty_start_offset=1), "起止", "到期日后第 2 天起，至还清当日止"),
        (STATED, "罚息利率", "合同约定 0.05%/天"),
        (YEARLY_STATED, "罚息利率", "合同约定 18% ÷ 360 = 0.05%/天"),
        (
            WITH_FEE,
            "逾期费",
            "每期逾期后收一次 20.00 元 + 逾期本金和利息的 1%，最多 30.00 元；"
            "与利息、罚息合计超过年化上限的部分不收",
        ),
        (MISUSE, "罚息利率（挪用借款）", "日利率 0.04% × 1.6 = 0.064%/天"),
    ],
)
def test_rules_speak_of_this_loan(profile: ProductProfile, title: str, text: str) -> None:
    assert {rule.title: rule.text for rule in rules.penalty_rules(profile)}[title] == text


@pytest.mark.parametrize(
    "profile",
    [
        DAILY,
        product("daily_005_capped"),
        product("annual_144_interest_only"),
        replace(DAILY, compound_on_interest=True),
        replace(DAILY, penalty_base=PenaltyBase.ALL_OUTSTANDING),
        replace(DAILY, penalty_base=PenaltyBase.DUE_PRINCIPAL_AND_INTEREST),
        replace(DAILY, as_of_inclusive=True, grace_days=5),
        replace(DAILY, annual_cap=None, rate=Decimal("0.0007")),
        replace(DAILY, rate=Decimal(0)),
        replace(DAILY, method=Method.EQUAL_PRINCIPAL),
        replace(BALLOON, rate_kind=RateKind.ANNUAL, rate=Decimal("0.12"), interest_days="actual"),
        STATED,
        YEARLY_STATED,
        MISUSE,
        WITH_FEE,
    ],
)
def test_every_kind_of_product_opens_with_its_own_figures(
    client: Client, profile: ProductProfile
) -> None:
    loan = factories.overdue_loan(product=profile)
    client.force_login(loan.borrower)
    owed = load_debt(loan, TODAY)

    response = client.get(reverse("loans:penalty", args=[loan.public_id]))
    others = [
        client.get(reverse(f"loans:{name}", args=[loan.public_id])).status_code
        for name in ("detail", "repay", "penalty-csv", "penalty-pdf", "statement")
    ]

    assert figures(response, "penalty-total") == [owed.penalty]
    assert sum(figures(response, "penalty-instalment")) == owed.penalty
    assert others == [200] * 5
