"""The start of a plan is never crossed by a correction: it was signed on figures; doors are named."""

from __future__ import annotations

import pytest

from loans.services.restructure import revoke_relief
from portal.core.errors import RuleViolation
from tests.loans.books import (
    D,
    assert_clean,
    at,
    day,
    example_loan,
    paid,
    relief_terms,
    relieved,
)
from tests.loans.rebuild import figures, rebuilt
from tests.loans.services.test_replayed_acts import (
    BREACH,
    DATES,
    LATER,
    bounce,
    breach_of,
    broken,
    planned,
)

pytestmark = pytest.mark.django_db


def test_the_start_of_a_plan_is_not_crossed_and_the_door_is_named() -> None:
    loan = example_loan()
    first = paid(loan, "100.00", "09-20")
    relieved(loan, relief_terms("10-09", "90.00"), "10-09")
    paid(loan, "300.00", "11-10")
    with pytest.raises(RuleViolation, match="先从最近一笔起冲正按该方案收到的还款，再撤销"):
        bounce(loan, "09-20", now="11-12")

    bounce(loan, "11-10", now="11-12")
    revoke_relief(loan_id=loan.pk, key="relief:1", reason="退票", actor=None, now=at(day("11-12")))
    bounce(loan, "09-20", now="11-12")
    paid(loan, "300.00", "11-10", "again", now="11-12")

    first.refresh_from_db()
    assert first.is_reversed
    assert figures(loan, day("11-12")) == figures(rebuilt(loan), day("11-12"))
    assert_clean()


def test_the_start_of_a_broken_plan_is_not_crossed() -> None:
    loan = example_loan()
    paid(loan, "100.00", "09-20")
    relieved(loan, relief_terms("10-09", "90.00"), "10-09")
    broken(loan, "11-30")

    with pytest.raises(RuleViolation, match="该方案已因违约终止，不能再撤销"):
        bounce(loan, "09-20", now="12-01")
    with pytest.raises(RuleViolation, match="请改为 2023-10-09 或之后的日期"):
        paid(loan, "100.00", "10-08", now="12-01")

    paid(loan, "100.00", "10-09", "on the day", now="12-01")
    assert figures(loan, day("12-01")) == figures(rebuilt(loan), day("12-01"))
    assert_clean()


def test_a_second_plan_bars_the_way_over_the_first_breach() -> None:
    loan = planned(*DATES)
    broken(loan)
    terms = relief_terms(BREACH, "0.00", first_due_on=day("2024-05-24"))
    relieved(loan, terms, BREACH, "relief:2")

    with pytest.raises(RuleViolation, match="请先撤销减免方案"):
        bounce(loan, DATES[4])

    revoke_relief(loan_id=loan.pk, key="relief:2", reason="退票", actor=None, now=at(day(LATER)))
    bounce(loan, DATES[4])
    assert breach_of(loan).instalments.get().principal == D("4000.00")
    assert_clean()
