"""Moved from one part of the debt to another: the sum stays, and penalty follows the principal."""

from __future__ import annotations

import pytest

from loans.models import Correction, Loan, Schedule
from loans.services.acts.adjustment import adjust
from loans.services.payments.payment import reverse_payment
from portal.core.errors import RuleViolation
from portal.core.kernel.roles import Rank
from portal.core.models import Notice, User
from tests.loans.books import (
    D,
    assert_clean,
    at,
    day,
    example_loan,
    owed,
    paid,
    relief_terms,
    relieved,
)
from tests.loans.rebuild import figures, rebuilt

pytestmark = pytest.mark.django_db
ON = "2023-09-20"  # 6,000.00 + 110.12 + 110.21, all of it due


def clerk() -> User:
    found = User.objects.filter(username="clerk").first()
    return found or User.objects.create_staff("clerk", "周敏", Rank.MANAGER)


def adjusted(
    loan: Loan, amount: str, from_part: str, to_part: str, on: str = ON, key: str = "a"
) -> Schedule:
    return adjust(
        loan_id=loan.pk,
        amount=D(amount),
        from_part=from_part,
        to_part=to_part,
        reason="录入有误",
        key=key,
        actor=clerk(),
        now=at(day(on)),
    )


@pytest.mark.parametrize(
    ("from_part", "to_part", "parts", "a_day"),
    [
        # (principal, interest, penalty owed), and what one more day costs: 0.045 % of principal
        ("penalty", "interest", ("6000.00", "210.12", "10.21"), "2.70"),
        ("penalty", "principal", ("6100.00", "110.12", "10.21"), "2.75"),
        ("interest", "penalty", ("6000.00", "10.12", "210.21"), "2.70"),
        ("principal", "interest", ("5900.00", "210.12", "110.21"), "2.66"),
    ],
)
def test_the_sum_stays_and_penalty_follows_the_principal(
    from_part: str, to_part: str, parts: tuple[str, str, str], a_day: str
) -> None:
    loan = example_loan()
    before = owed(loan, ON)

    adjusted(loan, "100.00", from_part, to_part)

    after = owed(loan, ON).parts.with_kept_joined
    assert (after.principal, after.interest, after.penalty) == tuple(D(one) for one in parts)
    assert owed(loan, ON).payoff == before.payoff
    grown = owed(loan, "2023-09-21").payoff - before.payoff
    assert abs(grown - D(a_day)) <= D("0.02")  # rounded once an instalment
    assert "总待还不变" in Notice.objects.get(event="loan_act").body
    assert figures(loan, day(ON)) == figures(rebuilt(loan), day(ON))
    assert_clean()


def test_at_most_what_is_due_of_the_part() -> None:
    loan = example_loan()

    with pytest.raises(RuleViolation, match=r"到期的罚息和费用只有 110\.21 元"):
        adjusted(loan, "110.22", "penalty", "principal")
    with pytest.raises(RuleViolation, match="不能是同一科目"):
        adjusted(loan, "1.00", "penalty", "penalty")
    with pytest.raises(RuleViolation, match=r"到期的本金只有 0\.00 元"):
        adjusted(loan, "1.00", "principal", "interest", "2023-07-09")
    assert_clean()


def test_a_correction_does_it_again_with_what_is_left_of_the_part() -> None:
    """100.00 of penalty moved; 6,000.00 found on 07-10: next to no penalty is left to move."""
    loan = example_loan()
    adjusted(loan, "100.00", "penalty", "principal")

    paid(loan, "6000.00", "2023-07-10", "found", now="2023-09-25")

    assert "科目调整 100.00 →" in "".join(Correction.objects.get().changes)
    assert figures(loan, day("2023-09-25")) == figures(rebuilt(loan), day("2023-09-25"))
    assert_clean()


def test_a_bounce_from_before_it_and_a_plan_after_it() -> None:
    loan = example_loan()
    payment = paid(loan, "100.00", "09-19")
    adjusted(loan, "40.00", "penalty", "principal")
    reverse_payment(payment_id=payment.pk, reason="退票", actor=None, now=at(day("2023-09-25")))
    assert figures(loan, day("2023-09-25")) == figures(rebuilt(loan), day("2023-09-25"))

    relieved(loan, relief_terms("10-09", "10.00"), "10-09")

    assert owed(loan, "10-09").principal == D("6040.00")
    assert_clean()
