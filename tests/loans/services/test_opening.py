"""Opening a loan: whatever its terms, a schedule that the books can hold, or a named refusal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loans.domain.profile import Method, RateKind
from loans.models import Instalment, Loan
from loans.services.acceleration import accelerate
from loans.services.payments.payment import reverse_payment
from portal.core.errors import RuleViolation
from tests.loans.books import (
    EXAMPLE,
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
INTEREST_ONLY = replace(EXAMPLE, method=Method.INTEREST_ONLY)


@pytest.mark.parametrize(
    ("rule", "changes", "principal", "numbers"),
    [
        ("no interest at all: one instalment, with the last month", {"rate": D(0)}, "600.00", [3]),
        ("yearly at 0", {"rate": D(0), "rate_kind": RateKind.ANNUAL}, "600.00", [3]),
        ("each month's interest rounds to nothing", {}, "1.00", [3]),
        ("the short month's alone", {"rate": D("0.0003")}, "1.10", [2, 3]),
    ],
)
def test_an_interest_only_loan_without_interest_lives_and_ends(
    rule: str, changes: dict, principal: str, numbers: list[int]
) -> None:
    """instalment_not_empty refused these with a database error."""
    loan = example_loan(product=replace(INTEREST_ONLY, **changes), principal=D(principal))

    assert list(Instalment.objects.values_list("number", flat=True)) == numbers
    assert_clean()
    paid(loan, "0.40", "07-20")
    assert_clean()
    paid(loan, str(owed(loan, "09-20").payoff), "09-20")
    assert Loan.objects.get(pk=loan.pk).is_settled
    assert_clean()


@pytest.mark.parametrize(
    ("rule", "changes", "principals"),
    [
        ("equal principal", {"method": "equal_principal"}, ["2000.00", "2000.00", "2000.00"]),
        (
            "a residual of 3,000.00",
            {"method": "balloon", "balloon_share": D("0.5")},
            ["991.95", "999.38", "4008.67"],
        ),
        (
            "by days of the year",
            {"rate_kind": "annual", "rate": D("0.108"), "interest_days": "actual"},
            ["1982.71", "1999.35", "2017.94"],
        ),
    ],
)
def test_every_method_lives_through_prepayment_and_plan_to_its_end(
    rule: str, changes: dict, principals: list[str]
) -> None:
    product = replace(EXAMPLE, round_instalment="HALF_UP", round_interest="HALF_UP", **changes)
    loan = example_loan(product=product)
    assert [str(row.principal) for row in owed(loan, "06-10").instalments] == principals

    paid(loan, str(owed(loan, "07-10").due_now), "07-10")
    paid(loan, "1500.00", "07-20")  # ahead: the same dates, smaller instalments
    rows = owed(loan, "07-20").instalments
    assert [str(row.due_on) for row in rows if row.principal] == ["2023-08-10", "2023-09-10"]
    assert_clean()
    before = owed(loan, "09-30").figures
    relieved(loan, relief_terms("09-30", str(before.penalty), plan_annual_rate=D("0.05")), "09-30")
    assert owed(loan, "09-30").total == before.total - before.penalty
    assert_clean()
    paid(loan, str(owed(loan, "12-01").payoff), "12-01")
    assert Loan.objects.get(pk=loan.pk).is_settled
    assert_clean()


def test_a_late_fee_is_booked_paid_before_penalty_waived_and_kept() -> None:
    loan = example_loan(product=replace(EXAMPLE, late_fee=D("20.00"), round_penalty="DOWN"))

    assert owed(loan, "07-10").fee == D("0.00")
    assert owed(loan, "07-11").fee == D("1.84")
    receipt = paid(loan, "25.00", "07-21")
    assert split_of(receipt) == {"fee": D("20.00"), "penalty": D("5.00")}
    assert_clean()
    late = owed(loan, "08-20")
    assert (late.instalments[0].fee, late.fee) == (D("0.00"), D("7.73"))
    assert late.due_now == sum(row.total for row in late.instalments if row.due_on <= late.as_of)
    reverse_payment(payment_id=receipt.pk, reason="退票", actor=None, now=at(day("08-21")))
    assert owed(loan, "08-21").instalments[0].fee == D("20.00")
    assert_clean()

    before = owed(loan, "08-21").figures
    terms = relief_terms(
        "08-21", str(before.penalty), waive_fee=D("15.00"), first_due_on=day("09-21")
    )
    relieved(loan, terms, "08-21")
    kept = owed(loan, "08-21")
    assert kept.kept_penalty == before.fee - D("15.00")
    assert kept.fee == D("0.00")
    assert_clean()


def test_a_prepayment_leaves_the_residual_of_a_balloon() -> None:
    loan = example_loan(product=replace(EXAMPLE, method="balloon", balloon_share=D("0.5")))

    paid(loan, "500.00", "06-20")

    rows = [row for row in owed(loan, "06-20").instalments if row.total]
    assert D("3000.00") < rows[-1].principal < D("4008.67")
    assert all(row.principal < D("991.95") for row in rows[:-1])
    assert_clean()


def test_it_can_fall_due_early() -> None:
    loan = example_loan(product=replace(INTEREST_ONLY, rate=D(0)))

    accelerate(loan_id=loan.pk, on=day("07-20"), reason="逾期", actor=None, now=at(day("07-20")))

    assert owed(loan, "07-20").due_now == D("6000.00")
    assert_clean()


@pytest.mark.parametrize(
    ("rule", "principal", "months"),
    [("interest as high as the instalment", "6000.00", 360), ("a fen short", "0.05", 6)],
)
def test_terms_that_no_schedule_can_hold_are_refused_by_name(
    rule: str, principal: str, months: int
) -> None:
    with pytest.raises(RuleViolation) as refused:
        example_loan(
            product=replace(EXAMPLE, rate=D("0.0005")), principal=D(principal), term_months=months
        )

    assert refused.value.field in ("term_months", "principal")
    assert not Loan.objects.exists()
