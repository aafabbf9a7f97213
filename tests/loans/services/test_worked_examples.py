"""The numbers of loans/RULES.md §3 to §7, through the services that a borrower's click reaches."""

from __future__ import annotations

from decimal import Decimal

import pytest

from loans.models import Entry, Loan
from loans.queries.penalty import penalty_story
from loans.services.payments.payment import preview_payment
from loans.services.plans.breach import reinstate
from loans.services.plans.restructure import preview_relief
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
    split_of,
)

pytestmark = pytest.mark.django_db


def test_schedule_of_the_example() -> None:
    loan = example_loan()

    instalments = loan.schedules.get().instalments.order_by("number")
    rows = [(row.due_on, row.principal, row.interest) for row in instalments]

    assert rows == [
        (day("07-10"), D("1982.70"), D("54.00")),
        (day("08-10"), D("1999.34"), D("37.36")),
        (day("09-10"), D("2017.96"), D("18.76")),
    ]
    assert_clean()


@pytest.mark.parametrize(
    ("on", "penalties"),
    [
        ("07-10", ["0.00", "0.00", "0.00"]),
        ("07-11", ["0.89", "0.00", "0.00"]),
        ("09-20", ["64.24", "36.89", "9.08"]),
    ],
)
def test_penalty_of_the_example(on: str, penalties: list[str]) -> None:
    loan = example_loan()

    story = penalty_story(loan, day(on))

    assert [line.total for line in story.instalments] == [D(p) for p in penalties]
    assert owed(loan, on).penalty == story.total == sum(map(D, penalties))


@pytest.mark.parametrize(
    ("on", "first", "second"),
    [
        ("09-20", ("64.24", "54.00", "1981.76"), {}),
        ("10-08", ("80.30", "54.00", "1965.70"), {}),
        ("10-09", (None, None, "1982.70"), {"principal": D("117.30")}),
    ],
)
def test_2100_paid(on: str, first: tuple[str | None, ...], second: dict[str, Decimal]) -> None:
    """loans/RULES.md §5: ordinary order up to 90 days, principal first from 91."""
    loan = example_loan()
    before = owed(loan, on)
    shown = preview_payment(loan=loan, amount=D("2100.00"), on=day(on))

    payment = paid(loan, "2100.00", on)

    names = ("penalty", "interest", "principal")
    expected = {n: D(a) for n, a in zip(names, first, strict=True) if a is not None}
    assert split_of(payment, 1) == expected
    assert split_of(payment, 2) == second
    assert payment.split == shown.as_json()
    assert owed(loan, on).total == before.total - D("2100.00")
    assert_clean()


@pytest.mark.parametrize(
    ("waive", "regular", "last", "total"),
    [("161.50", "509.17", "509.25", "6110.12"), ("96.90", "514.55", "514.67", "6174.72")],
)
def test_relief_of_the_example(waive: str, regular: str, last: str, total: str) -> None:
    loan = example_loan()
    terms = relief_terms("10-09", waive)
    assert owed(loan, "10-09").penalty == D("161.50")
    preview = preview_relief(loan=loan, terms=terms, on=day("10-09"))

    plan = relieved(loan, terms, "10-09")

    rows = list(plan.instalments.order_by("number"))
    assert [row.total for row in rows] == [D(regular)] * 11 + [D(last)]
    assert [row.total for row in preview.rows] == [row.total for row in rows]
    debt = owed(loan, "10-09")
    assert (debt.total, debt.penalty, debt.overdue_days) == (D(total), D(0), 0)
    assert debt.is_plan
    assert_clean()


def test_breach_of_the_example() -> None:
    """loans/RULES.md §7: 5 of 12 paid, 67.29 vested, 94.21 back, 3,500 due."""
    loan = example_loan()
    relieved(loan, relief_terms("10-09", "161.50"), "10-09")
    for on in ("2023-11-10", "2023-12-10", "2024-01-10", "2024-02-10", "2024-03-10"):
        paid(loan, "509.17", on)

    on = day("2024-04-24")
    schedule = reinstate(
        loan_id=loan.pk, on=on, key="breach:1", actor=None, reason="第6期未还。", now=at(on)
    )

    assert schedule.terms is not None
    told = Entry.objects.get(kind=Entry.Kind.BREACH).source
    assert told == "违约：第6期未还。减免保留 67.29 元，恢复 94.21 元"
    assert (schedule.terms["vested"], schedule.terms["returned"]) == ("67.29", "94.21")
    row = schedule.instalments.get()
    assert row.principal == D("3500.00")
    late = D("500.00") * D("0.00045") * 14
    assert late == D("3.15")
    interest = D("110.12") - 5 * D("9.17")
    assert (row.kept_penalty, row.kept_interest) == (D("94.21") + late, interest)
    after = owed(loan, "2024-04-25")
    assert after.penalty == D("1.58")  # 3,500 × 0.045 % for one day, from the breach
    assert after.overdue_days == 1
    assert Loan.objects.get(pk=loan.pk).booked_on == on
    assert_clean()
