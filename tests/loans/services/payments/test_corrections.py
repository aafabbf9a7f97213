"""Corrections: reversals are counter-postings, back-dated payments recompute what came after."""

from __future__ import annotations

import pytest

from loans.models import Entry, Loan, Payment, Posting, Schedule
from loans.queries.debt import load_debt
from loans.queries.papers import certificate_of
from loans.queries.statement import load_statement
from loans.services.payments.payment import reverse_payment
from portal.core.documents.papers import verify
from portal.core.errors import RuleViolation
from portal.core.models.document import Document
from tests.loans.books import (
    D,
    assert_clean,
    at,
    day,
    example_loan,
    make_borrower,
    owed,
    paid,
    relief_terms,
    relieved,
)

pytestmark = pytest.mark.django_db


def reverse(payment: Payment, on: str) -> Payment:
    return reverse_payment(payment_id=payment.pk, reason="银行退票", actor=None, now=at(day(on)))


def figures(loan: Loan, on: str) -> list[tuple]:
    """The debt without row ids: equal figures mean equal balances."""
    return [
        (r.number, r.due_on, r.principal, r.interest, r.penalty, r.kept_penalty, r.state)
        for r in owed(loan, on).instalments
    ]


def test_reversed_pay_off_opens_the_loan_again() -> None:
    loan = example_loan()
    before = figures(loan, "09-25")
    payment = paid(loan, "6220.33", "09-20")
    code = Document.objects.get().code
    assert verify(code).revoked_at is None

    reverse(payment, "09-25")

    assert verify(code).revoked_at == at(day("09-25"))
    loan.refresh_from_db()
    assert loan.status == Loan.Status.ACTIVE
    assert certificate_of(loan) is None
    assert figures(loan, "09-25") == before
    assert_clean()
    paid(loan, str(load_debt(loan, day("09-25")).payoff), "09-25")
    assert Document.objects.count() == 2
    assert_clean()


def test_reversal_of_a_prepayment_restores_the_schedule() -> None:
    loan = example_loan()
    before = figures(loan, "08-20")
    payment = paid(loan, "1000.00", "06-20")
    paid(loan, "1700.00", "07-12")

    reverse(payment, "08-20")

    assert Schedule.objects.get(loan=loan, superseded_on=None).kind == Schedule.Kind.ORIGINAL
    reverse(Payment.objects.get(amount=D("1700.00")), "08-20")
    assert figures(loan, "08-20") == before
    assert_clean()


def test_reversal_is_a_counter_posting_and_happens_once() -> None:
    loan = example_loan()
    before = figures(loan, "09-25")
    payment = paid(loan, "2100.00", "09-20")
    postings = Posting.objects.count()

    reverse(payment, "09-25")
    again = reverse(payment, "09-25")

    assert again.is_reversed
    assert figures(loan, "09-25") == before
    assert Posting.objects.count() > postings
    assert Entry.objects.filter(kind=Entry.Kind.REVERSAL).count() == 1
    assert_clean()


def test_back_dated_payment_recomputes_and_shows_what_changed() -> None:
    """The penalty of the days after it falls away; the later receipt says what it is now."""
    loan = example_loan()
    later = paid(loan, "2100.00", "09-20")

    paid(loan, "2036.70", "07-10", "found", now="09-21")

    later.refresh_from_db()
    assert later.is_corrected
    assert later.split_now["totals"]["penalty"] == "45.97"
    assert later.split["totals"]["penalty"] == "64.24"
    other = example_loan(make_borrower("13900000002"))
    paid(other, "2036.70", "07-10")
    paid(other, "2100.00", "09-20")
    assert figures(loan, "09-25") == figures(other, "09-25")
    assert_clean()


def test_back_dated_before_a_plan_is_refused() -> None:
    loan = example_loan()
    relieved(loan, relief_terms("10-09", "161.50"), "10-09")

    with pytest.raises(RuleViolation, match="2023-10-09"):
        paid(loan, "100.00", "09-20", now="10-10")


def test_statement_runs_from_opening_to_closing() -> None:
    loan = example_loan()
    payment = paid(loan, "2100.00", "09-20")
    reverse(payment, "09-25")
    paid(loan, "500.00", "09-25", "second")

    whole = load_statement(loan)
    part = load_statement(loan, day("09-20"), day("09-20"))

    assert whole.opening == 0
    assert whole.closing == whole.opening + sum(line.amount for line in whole.lines)
    assert whole.closing == owed(loan, "09-25").total
    assert part.closing == part.opening + sum(line.amount for line in part.lines)
    assert all(line.source for line in whole.lines)
