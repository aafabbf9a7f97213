"""Real threads on PostgreSQL: one reference is paid once, and never more than is owed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from django.db import connections

from loans.models import Loan, Payment
from loans.services.payments.payment import pay
from portal.core.errors import RuleViolation
from tests.loans.books import D, assert_clean, at, day, example_loan

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
THREADS = 8


def at_once(loan: Loan, on: date, references: list[str]) -> list[object]:
    """Pay 1,000 under each reference from a thread of its own, all started together."""
    barrier = Barrier(len(references))

    def one(reference: str) -> object:
        try:
            barrier.wait(10)
            return pay(
                loan_id=loan.pk,
                amount=D("1000.00"),
                paid_on=on,
                reference=reference,
                actor=None,
                now=at(on),
            ).pk
        except RuleViolation as refused:
            return refused.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(references)) as pool:
        return list(pool.map(one, references))


def test_one_reference_from_many_threads_is_one_payment() -> None:
    loan = example_loan()

    answers = at_once(loan, day("09-20"), ["same"] * THREADS)

    assert len(set(answers)) == 1
    assert Payment.objects.count() == 1
    assert_clean()


def test_many_payments_at_once_never_exceed_the_debt() -> None:
    """6,220.33 is owed: six payments of 1,000 fit, two are refused."""
    loan = example_loan()

    answers = at_once(loan, day("09-20"), [f"r{n}" for n in range(THREADS)])

    assert answers.count("OVER_PAYOFF") == 2
    assert Payment.objects.count() == 6
    assert_clean()
