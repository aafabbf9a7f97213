"""Payments: once per reference, refused above the pay-off, ahead, back-dated, reversed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from loans.models import Correction, Loan, Payment, Schedule
from loans.queries.debt import load_debt
from loans.queries.papers import certificate_of
from loans.services import observers
from loans.services.payments.payment import pay, preview_payment, reverse_payment
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from tests.loans.books import (
    SHANGHAI,
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
    split_of,
)

pytestmark = pytest.mark.django_db


def test_same_reference_is_paid_once() -> None:
    loan = example_loan()
    first = paid(loan, "100.00", "09-20", "bank-1")

    again = paid(loan, "100.00", "09-20", "bank-1")

    assert again == first
    assert Payment.objects.count() == 1
    assert_clean()


@pytest.mark.parametrize("other_loan", [False, True])
def test_same_reference_with_another_amount_or_loan_is_refused(*, other_loan: bool) -> None:
    loan = example_loan()
    paid(loan, "100.00", "09-20", "bank-1")
    target = example_loan(make_borrower("13900000002")) if other_loan else loan

    with pytest.raises(RuleViolation) as refused:
        paid(target, "100.00" if other_loan else "100.01", "09-20", "bank-1")

    assert refused.value.field == "reference"
    assert Payment.objects.count() == 1


@pytest.mark.parametrize(
    ("rule", "undone", "on", "code", "told"),
    [
        ("reversed, the same day", True, "09-20", "REFERENCE_REVERSED", "已冲正（2023-09-22）"),
        ("reversed, another day", True, "09-21", "REFERENCE_REVERSED", "例如 bank-1-2"),
        ("another day", False, "09-21", "REFERENCE_DATED", "已按付款日 2023-09-20 入账"),
    ],
)
def test_a_reference_with_something_known_against_it_is_refused(
    rule: str, undone: bool, on: str, code: str, told: str
) -> None:
    """It booked nothing and the desk said 已完成."""
    loan = example_loan()
    first = paid(loan, "100.00", "09-20", "bank-1")
    if undone:
        reverse_payment(payment_id=first.pk, reason="退票", actor=None, now=at(day("09-22")))

    with pytest.raises(RuleViolation) as refused:
        paid(loan, "100.00", on, "bank-1", now="09-23")

    assert (refused.value.code, refused.value.field) == (code, "reference")
    assert told in refused.value.message
    assert Payment.objects.count() == 1
    assert_clean()


def test_money_that_arrived_after_all_takes_the_reference_that_the_refusal_names() -> None:
    loan = example_loan()
    before = owed(loan, "09-23").payoff
    for reference in ("bank-1", "bank-1-2"):
        payment = paid(loan, "100.00", "09-20", reference, now="09-23")
        reverse_payment(payment_id=payment.pk, reason="退票", actor=None, now=at(day("09-23")))
    assert owed(loan, "09-23").payoff == before

    with pytest.raises(RuleViolation, match="bank-1-3"):
        paid(loan, "100.00", "09-20", "bank-1", now="09-23")
    paid(loan, "100.00", "09-20", "bank-1-3", now="09-23")

    assert owed(loan, "09-23").payoff < before
    assert_clean()


def test_above_the_pay_off_is_refused_with_the_amount_named() -> None:
    loan = example_loan()
    assert load_debt(loan, day("09-20")).payoff == D("6220.33")

    with pytest.raises(RuleViolation, match=r"6,220\.33"):
        paid(loan, "6220.34", "09-20")

    assert Payment.objects.count() == 0
    assert_clean()


@pytest.mark.parametrize("amount", ["0.00", "-1.00"])
def test_amounts_that_are_none(amount: str) -> None:
    loan = example_loan()

    with pytest.raises(RuleViolation) as refused:
        preview_payment(loan=loan, amount=D(amount), on=day("09-20"))

    assert refused.value.field == "amount"


@pytest.mark.parametrize("on", ["2023-06-09", "2023-09-21"])
def test_before_the_drawdown_or_in_the_future(on: str) -> None:
    loan = example_loan()

    with pytest.raises(RuleViolation) as refused:
        paid(loan, "100.00", on, now="09-20")

    assert refused.value.field == "paid_on"


def test_paid_off_settles_and_issues_the_certificate() -> None:
    loan = example_loan()

    payment = paid(loan, "6220.33", "09-20")

    loan.refresh_from_db()
    paper = certificate_of(loan)
    assert payment.kind == Payment.Kind.PAYOFF
    assert (loan.status, loan.settled_on) == ("settled", day("09-20"))
    assert paper is not None
    assert paper.number.startswith("JQ20230920-")
    assert load_debt(loan, day("2024-09-20")).payoff == 0
    with pytest.raises(RuleViolation, match="已经结清"):
        paid(loan, "1.00", "09-20", "late")
    assert_clean()


def test_paid_on_the_due_date_is_on_time() -> None:
    loan = example_loan()

    payment = paid(loan, "2036.70", "07-10")

    assert split_of(payment) == {"interest": D("54.00"), "principal": D("1982.70")}
    assert owed(loan, "07-11").overdue_days == 0
    assert loan.schedules.count() == 1
    assert_clean()


def test_prepayment_takes_interest_to_the_day_and_recomputes() -> None:
    """6,000 × 0.03 % × 10 days = 18.00 interest; 982.00 principal; 5,018.00 over the same dates."""
    loan = example_loan()

    payment = paid(loan, "1000.00", "06-20")

    assert split_of(payment, None) == {"interest": D("18.00"), "principal": D("982.00")}
    assert payment.kind == Payment.Kind.PREPAYMENT
    old, new = loan.schedules.order_by("number")
    assert old.superseded_on == day("06-20")
    assert new.kind == Schedule.Kind.RECOMPUTED
    old_rows, new_rows = (list(one.instalments.order_by("number")) for one in (old, new))
    assert [row.due_on for row in new_rows] == [row.due_on for row in old_rows]
    assert sum(row.principal for row in new_rows) == D("5018.00")
    assert new_rows[0].total < old_rows[0].total
    assert owed(loan, "06-20").principal == D("5018.00")
    assert_clean()


def test_prepayment_of_less_than_the_interest_keeps_the_schedule() -> None:
    loan = example_loan()

    paid(loan, "10.00", "06-20")
    paid(loan, "8.00", "06-20", "second")

    assert loan.schedules.count() == 1
    assert owed(loan, "06-20").accrued_interest == 0
    assert owed(loan, "07-10").interest == D("36.00")
    assert_clean()


def test_early_pay_off_owes_interest_to_the_day_only() -> None:
    loan = example_loan()

    paid(loan, "6018.00", "06-20")

    loan.refresh_from_db()
    assert loan.is_settled
    assert load_debt(loan, day("09-20")).payoff == 0
    assert_clean()


def test_plan_is_paid_ahead_in_order_and_settles() -> None:
    loan = example_loan()
    relieved(loan, relief_terms("10-09", "96.90"), "10-09")

    first = paid(loan, "600.00", "10-20")

    row = owed(loan, "10-20").instalments
    assert split_of(first, 1) == {
        "kept_penalty": D("5.38"),
        "kept_interest": D("9.17"),
        "principal": D("500.00"),
    }
    assert row[0].total == 0
    assert row[1].paid == D("600.00") - D("514.55")
    paid(loan, str(load_debt(loan, day("10-21")).payoff), "10-21")
    loan.refresh_from_db()
    assert loan.is_settled
    assert_clean()


def test_late_plan_instalment_bears_penalty_from_its_date() -> None:
    loan = example_loan()
    relieved(loan, relief_terms("10-09", "161.50"), "10-09")

    debt_late = owed(loan, "2023-11-20")

    assert debt_late.penalty == D("2.25")  # 500 × 0.045 % × 10
    assert debt_late.overdue_days == 10
    payment = paid(loan, "511.42", "2023-11-20")
    assert split_of(payment, 1)["penalty"] == D("2.25")
    assert owed(loan, "2023-11-20").overdue_days == 0
    assert_clean()


def test_one_repayment_takes_at_most_30_statements(django_assert_max_num_queries) -> None:
    """Issue 3: the best open peer needs 459."""
    loan = example_loan()

    with django_assert_max_num_queries(30):
        paid(loan, "2100.00", "09-20")


def test_statements_do_not_grow_with_history(django_assert_max_num_queries) -> None:
    loan = example_loan(term_months=24)
    for n in range(12):
        paid(loan, "50.00", "09-20", f"r{n}")

    with django_assert_max_num_queries(30) as used:
        paid(loan, "50.00", "09-21")
    with django_assert_max_num_queries(4):
        owed(loan, "09-21")

    assert len(used) <= 30


def test_observers_hear_of_the_change_inside_the_transaction() -> None:
    heard: list[tuple] = []

    class Ear:
        def lock(self, loan_id: int) -> None:
            heard.append(("lock", loan_id))

        def veto(self, loan: Loan, change: str, now: object) -> None:
            heard.append(("veto", str(change)))

        def corrected(self, correction: Correction, now: object) -> None:
            heard.append(("corrected", correction.owed_after))

        def debt_changed(self, loan: Loan, change: str, now: object) -> None:
            heard.append((str(change), load_debt(loan, day("09-20")).total))

        def settled(self, loan: Loan, now: object) -> None:
            heard.append(("settled", loan.is_settled))

    ear = Ear()
    observers.register(ear)
    try:
        loan = example_loan()
        paid(loan, "6000.00", "09-20")
        paid(loan, "220.33", "09-20")
    finally:
        observers.unregister(ear)

    assert heard == [
        ("lock", loan.pk),
        ("payment", D("220.33")),
        ("lock", loan.pk),
        ("payment", Decimal("0.00")),
        ("settled", True),
    ]


def test_missing_reference() -> None:
    loan = example_loan()

    with pytest.raises(RuleViolation) as refused:
        pay(
            loan_id=loan.pk,
            amount=D("1.00"),
            paid_on=day("09-20"),
            reference=" ",
            actor=None,
            now=at(day("09-20")),
        )

    assert refused.value.field == "reference"


@pytest.mark.parametrize(
    ("moment", "penalty"),
    [("2023-07-10T23:59:59.999999", "0.00"), ("2023-07-11T00:00:00", "0.89")],
)
def test_the_due_date_ends_at_24_00_in_shanghai(moment: str, penalty: str) -> None:
    """An instant becomes a business date once; UTC is still on the day before or the same day."""
    loan = example_loan()
    now = datetime.fromisoformat(moment).replace(tzinfo=SHANGHAI)

    pay(
        loan_id=loan.pk,
        amount=D("500.00"),
        paid_on=business_date(now.astimezone(UTC)),
        reference="late",
        actor=None,
        now=now.astimezone(UTC),
    )

    assert split_of(Payment.objects.get()).get("penalty", D("0.00")) == D(penalty)
    assert_clean()
