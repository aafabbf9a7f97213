"""Paid too much: a credit balance, paid back under a reference, and what a bounce does to it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from loans.models import Correction, Entry, Loan, Payment
from loans.queries.position import load_position
from loans.services.acts.credit import refund, return_refund
from loans.services.payments.payment import pay, reverse_payment
from portal.core.errors import RuleViolation
from portal.core.kernel.roles import Rank
from portal.core.models import Notice, User
from tests.loans.books import D, assert_clean, at, day, example_loan, owed, paid
from tests.loans.rebuild import figures, rebuilt

pytestmark = pytest.mark.django_db
ON = "2023-09-20"


def overpaid(loan: Loan, amount: str, on: str = ON, now: str = "", reference: str = "") -> Payment:
    return pay(
        loan_id=loan.pk,
        amount=D(amount),
        paid_on=day(on),
        reference=reference or f"too-much-{on}",
        actor=None,
        now=at(day(now or on)),
        keep_excess=True,
    )


def given_back(loan: Loan, amount: str, reference: str = "out-1", on: str = ON) -> Entry:
    return refund(
        loan_id=loan.pk,
        amount=D(amount),
        reference=reference,
        reason="多还",
        actor=clerk(),
        now=at(day(on)),
    )


def clerk() -> User:
    found = User.objects.filter(username="clerk").first()
    return found or User.objects.create_staff("clerk", "周敏", Rank.SUPERVISOR)


def credit(loan: Loan) -> Decimal:
    return load_position(Loan.objects.get(pk=loan.pk)).credit


def test_more_than_everything_settles_and_leaves_a_credit_balance() -> None:
    """6,220.33 settle L on 2023-09-20 (6,000 + 110.12 + 110.21)."""
    loan = example_loan()
    assert owed(loan, ON).payoff == D("6220.33")

    payment = overpaid(loan, "6240.33")

    assert Loan.objects.get(pk=loan.pk).is_settled
    assert credit(loan) == D("20.00")
    assert payment.split["credit"] == "20.00"
    assert sum(D(line["amount"]) for line in payment.split["lines"]) == D("6220.33")
    assert_clean()


def test_without_being_asked_for_it_is_refused_as_ever() -> None:
    loan = example_loan()

    with pytest.raises(RuleViolation, match=r"结清这笔借款需要 6,220\.33 元"):
        paid(loan, "6240.33", ON)


def test_money_for_a_settled_loan_is_credit_whole() -> None:
    loan = example_loan()
    paid(loan, "6220.33", ON)

    payment = overpaid(loan, "30.00", "2023-09-25")

    assert (credit(loan), payment.split["lines"]) == (D("30.00"), [])
    assert Loan.objects.get(pk=loan.pk).settled_on == day(ON)
    assert_clean()


def test_it_is_paid_back_once_a_reference_and_never_more() -> None:
    loan = example_loan()
    overpaid(loan, "6240.33")

    with pytest.raises(RuleViolation, match=r"超过溢缴款余额 20\.00 元"):
        given_back(loan, "20.01")
    given_back(loan, "15.00")
    with pytest.raises(RuleViolation, match="已用于另一笔退款"):
        given_back(loan, "5.00")

    assert credit(loan) == D("5.00")
    notice = Notice.objects.get(event="loan_act", user=loan.borrower)
    assert "已退还多还的 15.00 元，付款流水号 out-1" in notice.body
    assert_clean()


def test_a_refund_that_bounces_is_credit_again_and_goes_out_anew() -> None:
    loan = example_loan()
    overpaid(loan, "6240.33")
    given_back(loan, "20.00")
    same = {"loan_id": loan.pk, "actor": clerk(), "now": at(day("2023-09-25"))}

    return_refund(reference="out-1", reason="账户已销", **same)
    with pytest.raises(RuleViolation, match="已登记退回"):
        return_refund(reference="out-1", reason="账户已销", **same)
    with pytest.raises(RuleViolation, match="没有付款流水号为 out-9 的退款"):
        return_refund(reference="out-9", reason="账户已销", **same)

    assert credit(loan) == D("20.00")
    given_back(loan, "20.00", "out-2", "2023-09-26")
    assert credit(loan) == 0
    assert_clean()


def test_a_payment_found_late_makes_a_later_one_too_much() -> None:
    """What arrived is booked: the later payment keeps what it brought beyond the debt as credit."""
    loan = example_loan()
    paid(loan, "6220.33", ON)

    paid(loan, "54.00", "2023-07-10", "found", now="2023-09-25")

    assert credit(loan) == D("54.00")
    assert Loan.objects.get(pk=loan.pk).is_settled
    assert "溢缴款 0.00 → 54.00 元" in Correction.objects.get().changes[0]
    assert figures(loan, day("2023-09-25")) == figures(rebuilt(loan), day("2023-09-25"))
    assert_clean()


def test_a_bounce_takes_the_credit_into_what_is_owed() -> None:
    """100.00 bounce: the later payment covers the debt with what was too much before."""
    loan = example_loan()
    first = paid(loan, "100.00", "2023-09-19")
    left = owed(loan, ON).payoff
    overpaid(loan, f"{left + 20}")

    reverse_payment(payment_id=first.pk, reason="退票", actor=None, now=at(day("2023-09-25")))

    assert credit(loan) == 0
    assert not Loan.objects.get(pk=loan.pk).is_settled
    assert figures(loan, day("2023-09-25")) == figures(rebuilt(loan), day("2023-09-25"))
    assert_clean()


def test_what_was_refunded_of_a_payment_that_bounces_is_owed_again() -> None:
    loan = example_loan()
    payment = overpaid(loan, "6240.33")
    given_back(loan, "20.00")

    reverse_payment(payment_id=payment.pk, reason="退票", actor=None, now=at(day("2023-09-25")))

    assert credit(loan) == 0
    debt = owed(loan, "2023-09-25")
    assert [row.principal for row in debt.instalments if row.is_added] == [D("20.00")]
    assert debt.principal == D("6020.00")
    assert "已退还的溢缴款 20.00 元不再有对应的还款" in Correction.objects.get().changes[-1]
    assert figures(loan, day("2023-09-25")) == figures(rebuilt(loan), day("2023-09-25"))
    assert_clean()
