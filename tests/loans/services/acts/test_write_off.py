"""Written off and non-accrual: our side of the books; what the borrower owes never changes by it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from loans.models import Account, Entry, Loan, Posting
from loans.queries.carrying import off_balance
from loans.queries.position import load_position
from loans.services.acts.write_off import put_off_balance, write_off
from loans.services.payments.payment import reverse_payment
from loans.services.plans.restructure import revoke_relief
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
ON = "2023-10-09"  # № 1 is 91 days overdue; 6,000.00 + 110.12 + 161.50


def clerk() -> User:
    found = User.objects.filter(username="clerk").first()
    return found or User.objects.create_staff("clerk", "周敏", Rank.MANAGER)


def written(loan: Loan, on: str = ON, key: str = "w", **parts: str) -> Entry:
    return write_off(
        loan_id=loan.pk,
        parts={name: D(amount) for name, amount in parts.items()} or None,
        reason="多次催收无效",
        key=key,
        actor=clerk(),
        now=at(day(on)),
    )


def total(loan: Loan, account: Account) -> Decimal:
    rows = Posting.objects.filter(entry__loan=loan, account=account)
    return sum((row.amount for row in rows), D("0.00"))


def test_written_off_whole_the_claim_stays_and_runs_on() -> None:
    loan = example_loan()
    before, later = owed(loan, ON), owed(loan, "2023-11-09")

    written(loan)

    assert owed(loan, ON) == before
    assert owed(loan, "2023-11-09") == later
    assert total(loan, Account.LOSS) == D("6271.62")
    assert total(loan, Account.OFF_PRINCIPAL) == D("-6000.00")
    assert total(loan, Account.OFF_INTEREST) == D("-110.12")
    assert total(loan, Account.OFF_CHARGES) == D("-161.50")
    assert "欠款不因此减少" in Notice.objects.get(event="loan_act").body
    assert not Loan.objects.get(pk=loan.pk).is_settled
    assert_clean()


def test_what_comes_in_afterwards_is_recovered() -> None:
    """91 days overdue: principal first. 1,000.00 is all principal that was written off."""
    loan = example_loan()
    written(loan)

    paid(loan, "1000.00", ON)

    assert total(loan, Account.RECOVERED) == D("-1000.00")
    assert total(loan, Account.OFF_PRINCIPAL) == D("-5000.00")
    paid(loan, f"{owed(loan, ON).payoff}", ON, "rest")
    assert total(loan, Account.RECOVERED) == D("-6271.62")
    assert Loan.objects.get(pk=loan.pk).is_settled
    assert_clean()


def test_in_part_the_rest_of_the_claim_is_paid_first() -> None:
    loan = example_loan()
    written(loan, principal="2000.00")
    with pytest.raises(RuleViolation, match=r"本金还可以核销 4,000\.00 元"):
        written(loan, key="more", principal="4000.01")

    paid(loan, "4000.00", ON)
    assert total(loan, Account.RECOVERED) == 0
    paid(loan, "500.00", ON, "more")

    assert total(loan, Account.RECOVERED) == D("-500.00")
    assert total(loan, Account.OFF_PRINCIPAL) == D("-1500.00")
    assert_clean()


def test_new_penalty_does_not_take_a_recovery_back() -> None:
    loan = example_loan()
    written(loan)
    paid(loan, f"{owed(loan, ON).payoff - 10}", ON)  # penalty is paid last: 10.00 of it are left
    recovered = total(loan, Account.RECOVERED)

    put_off = day("2024-03-09")
    paid(loan, "1.00", f"{put_off}", "later")

    assert total(loan, Account.RECOVERED) <= recovered
    assert_clean()


def test_a_bounced_recovery_is_taken_back() -> None:
    loan = example_loan()
    written(loan)
    payment = paid(loan, "1000.00", ON)

    reverse_payment(payment_id=payment.pk, reason="退票", actor=None, now=at(day("2023-10-12")))

    assert total(loan, Account.RECOVERED) == 0
    assert total(loan, Account.OFF_PRINCIPAL) == D("-6000.00")
    assert figures(loan, day("2023-10-12")) == figures(rebuilt(loan), day("2023-10-12"))
    assert_clean()


def test_a_recovery_from_before_a_plan_that_bounces_is_taken_back() -> None:
    loan = example_loan()
    written(loan)
    payment = paid(loan, "1000.00", ON)
    relieved(loan, relief_terms(ON, "0.00"), ON)

    reverse_payment(payment_id=payment.pk, reason="退票", actor=None, now=at(day("2023-10-12")))

    assert total(loan, Account.RECOVERED) == 0
    assert_clean()


def test_a_waiver_of_what_was_written_off_counts_the_loss_once_and_is_revoked_with_its_plan() -> (
    None
):
    loan = example_loan()
    written(loan)

    relieved(loan, relief_terms(ON, "161.50"), ON)

    assert total(loan, Account.WAIVER) + total(loan, Account.RECOVERED) == 0
    assert_clean()
    revoke_relief(loan_id=loan.pk, key="relief:1", reason="有误", actor=None, now=at(day(ON)))
    assert total(loan, Account.RECOVERED) == 0
    assert_clean()


def test_nothing_left_is_said() -> None:
    loan = example_loan()
    written(loan)

    with pytest.raises(RuleViolation, match="没有可以核销的金额"):
        written(loan, key="again")


@pytest.mark.parametrize(("on", "stands"), [("2023-10-08", "0.00"), (ON, "1.00")])
def test_off_the_balance_from_the_ninety_first_day(on: str, stands: str) -> None:
    """Whatever happens books it: 1.00 is paid on principal, all interest and penalty move."""
    loan = example_loan()

    paid(loan, "1.00", on)

    debt = owed(loan, on)
    moved = debt.total - debt.principal if stands != "0.00" else D("0.00")
    assert off_balance(load_position(Loan.objects.get(pk=loan.pk))) == moved
    assert total(loan, Account.SUSPENDED) == moved
    assert_clean()


def test_cured_it_comes_back() -> None:
    """Principal is paid first and nothing comes back; once № 1 and № 2 are paid all of it does."""
    loan = example_loan()
    paid(loan, "1.00", ON)
    assert total(loan, Account.SUSPENDED) == D("110.12") + D("161.50")

    paid(loan, f"{owed(loan, ON).principal}", ON, "principal")  # principal first
    assert total(loan, Account.SUSPENDED) == D("271.62")
    paid(loan, f"{owed(loan, ON).payoff - D('0.01')}", ON, "nearly")
    assert owed(loan, ON).total == D("0.01")  # of № 3, 29 days overdue

    assert total(loan, Account.SUSPENDED) == total(loan, Account.OFF_BALANCE) == 0
    assert_clean()


def test_a_loan_on_which_nothing_happens_is_put_off_by_staff() -> None:
    loan = example_loan()
    early, late = at(day("2023-10-08")), at(day("2023-10-20"))
    with pytest.raises(RuleViolation, match="逾期没有超过 90 天"):
        put_off_balance(loan_id=loan.pk, actor=clerk(), now=early)

    put_off_balance(loan_id=loan.pk, actor=clerk(), now=late)

    debt = owed(loan, "2023-10-20")
    assert total(loan, Account.SUSPENDED) == debt.total - debt.principal
    assert "应还金额不变" in Notice.objects.get(event="loan_act").body
    with pytest.raises(RuleViolation, match="已经在表外核算"):
        put_off_balance(loan_id=loan.pk, actor=clerk(), now=late)
    put_off_balance(loan_id=loan.pk, actor=clerk(), now=late + timedelta(days=1))
    assert_clean()


def test_what_is_written_off_does_not_stand_off_the_balance_as_well() -> None:
    loan = example_loan()
    paid(loan, "1.00", ON)

    written(loan, charges="161.50")

    assert total(loan, Account.SUSPENDED) == D("110.12")
    assert_clean()
