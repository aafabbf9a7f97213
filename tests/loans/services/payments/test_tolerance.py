"""A few fen left over: closed within the product's tolerance, and opened again with its payment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loans.models import Account, Loan, Posting
from loans.queries.papers import certificate_of
from loans.services.payments.payment import reverse_payment
from portal.core.models import Notice
from tests.loans.books import EXAMPLE, D, assert_clean, at, day, example_loan, owed, paid

pytestmark = pytest.mark.django_db
ON = "2023-09-20"  # 6,220.33 settle L


def lent(tolerance: str) -> Loan:
    return example_loan(product=replace(EXAMPLE, tolerance=D(tolerance)))


@pytest.mark.parametrize(
    ("tolerance", "amount", "closed"),
    [
        ("0.00", "6220.32", False),  # the default tolerates nothing
        ("0.10", "6220.22", False),  # 0.11 left
        ("0.10", "6220.23", True),  # 0.10 left
        ("0.10", "6220.33", True),
    ],
)
def test_what_is_left_decides(tolerance: str, amount: str, closed: bool) -> None:
    loan = lent(tolerance)

    paid(loan, amount, ON)

    loan.refresh_from_db()
    left = D("6220.33") - D(amount)
    assert loan.is_settled == closed
    assert owed(loan, ON).payoff == (0 if closed else left)
    given_up = Posting.objects.filter(account=Account.TOLERANCE)
    assert sum(one.amount for one in given_up) == (left if closed else 0)
    told = Notice.objects.filter(event="loan_act", title="剩余零头已免收")
    assert told.count() == (1 if closed and left else 0)
    assert_clean()


def test_ahead_of_its_dates_too() -> None:
    """The pay-off on 2023-06-20 less 0.05: what was not yet due is gone with the rest."""
    loan = lent("0.10")
    payoff = owed(loan, "2023-06-20").payoff

    paid(loan, f"{payoff - D('0.05')}", "2023-06-20")

    loan.refresh_from_db()
    assert certificate_of(loan) is not None
    assert owed(loan, "2023-12-31").payoff == 0
    assert_clean()


def test_it_is_opened_again_with_the_payment_that_closed_it() -> None:
    loan = lent("0.10")
    first = paid(loan, "100.00", "2023-09-19")
    last = paid(loan, f"{owed(loan, ON).payoff - D('0.05')}", ON, "last")
    loan.refresh_from_db()
    assert loan.is_settled

    reverse_payment(payment_id=first.pk, reason="退票", actor=None, now=at(day("2023-09-25")))
    loan.refresh_from_db()
    assert not loan.is_settled
    assert owed(loan, "2023-09-25").payoff > 100
    assert not sum(one.amount for one in Posting.objects.filter(account=Account.TOLERANCE))
    assert_clean()

    reverse_payment(payment_id=last.pk, reason="退票", actor=None, now=at(day("2023-09-25")))
    assert owed(loan, "2023-09-25").principal == 6000
    assert_clean()
