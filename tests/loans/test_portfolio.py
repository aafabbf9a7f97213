"""Many loans at once: the portfolio's penalty is the sum of the loans', the copies are right."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loans.bulk import generate_books
from loans.models import Loan
from loans.queries.debt import load_debt
from loans.queries.portfolio import each_loan, each_penalty, portfolio_penalty, read_whole
from loans.queries.stream import ByKey
from tests.loans.books import assert_clean, day, example_loan, make_borrower, paid

pytestmark = pytest.mark.django_db
ON = date(2026, 11, 20)


def test_one_loan_of_the_rules() -> None:
    example_loan()

    told = portfolio_penalty(day("09-20"))

    assert (told.loans, told.owing, told.penalty) == (1, 1, Decimal("110.21"))


def test_sum_is_the_sum_of_the_loans_in_nine_queries() -> None:
    for n in range(5):
        loan = example_loan(make_borrower(f"1390000000{n}"))
        if n:
            paid(loan, f"{n * 700}.00", "09-20")

    with CaptureQueriesContext(connection) as used:
        told = dict(each_penalty(day("10-09")))

    assert len([q for q in used if q["sql"].startswith(("SELECT", "DECLARE"))]) == 9
    assert told == {loan.pk: load_debt(loan, day("10-09")).penalty for loan in Loan.objects.all()}
    assert portfolio_penalty(day("10-09")).penalty == sum(told.values())


def test_loans_not_due_or_settled_before_are_left_out() -> None:
    loan = example_loan()
    assert portfolio_penalty(day("07-10")).loans == 0

    paid(loan, "6220.33", "09-20")

    assert portfolio_penalty(day("09-20")).loans == 0
    assert portfolio_penalty(day("09-19")).penalty == Decimal("107.51")  # 63.35 + 35.99 + 8.17


def test_generated_books_are_right() -> None:
    made = generate_books(count=230, as_of=ON, report=lambda _: None)

    assert Loan.objects.count() == made == 400
    assert portfolio_penalty(ON).loans == made
    assert_clean()
    originals, copies = portfolio_penalty(ON).penalty, dict(each_penalty(ON))
    assert originals == sum(copies.values())
    assert list(each_loan(ON)) == list(read_whole(ON))


def test_generator_refuses_real_books() -> None:
    example_loan()

    with pytest.raises(CommandError, match="请换用空的数据库"):
        call_command("generate_books", 10, stdout=StringIO())

    assert Loan.objects.count() == 1


def test_rows_are_handed_out_key_by_key() -> None:
    rows = ByKey([(1, "a"), (1, "b"), (3, "c"), (4, "d")])

    assert [rows.take(key) for key in (1, 2, 4, 5)] == [["a", "b"], [], ["d"], []]
