"""Opening a loan: whatever its terms, a schedule that the books can hold, or a named refusal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loans.domain.profile import Method, RateKind
from loans.models import Instalment, Loan
from loans.services.acceleration import accelerate
from portal.core.errors import RuleViolation
from tests.loans.books import EXAMPLE, D, assert_clean, at, day, example_loan, owed, paid

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
