"""The day on which a schedule closes and another opens is counted once, by every way of counting."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from loans.domain.profile import PenaltyBase, ProductProfile
from loans.models import Loan
from loans.services.acceleration import accelerate
from loans.services.plans.breach import reinstate
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
)
from tests.loans.rebuild import figures, rebuilt

pytestmark = pytest.mark.django_db

PROFILES = [
    replace(
        EXAMPLE,
        rate=D(rate),
        penalty_base=base,
        compound_on_interest=compound,
        as_of_inclusive=inclusive,
    )
    for rate, base, compound, inclusive in product(
        ("0.0004", "0.0005"), PenaltyBase, (False, True), (False, True)
    )
    if not (compound and base is PenaltyBase.DUE_PRINCIPAL_AND_INTEREST)
]


def name(profile: ProductProfile) -> str:
    words = [str(profile.rate), profile.penalty_base.value]
    words += ["compound"] * profile.compound_on_interest + ["inclusive"] * profile.as_of_inclusive
    return "-".join(words)


@pytest.fixture(params=PROFILES, ids=name)
def loan(request: pytest.FixtureRequest) -> Loan:
    return example_loan(product=request.param)


def test_a_plan_changes_nothing_on_its_day(loan: Loan) -> None:
    """6,326.41 before accepting and 6,327.61 a moment later: each row bore 0.10 for that day."""
    paid(loan, "100.00", "08-20")
    before = owed(loan, "08-25")
    relieved(loan, relief_terms("08-25", "0.00", first_due_on=day("09-25")), "08-25")

    after = owed(loan, "08-25")
    assert (after.payoff, after.due_now) == (before.payoff, D(0))
    assert_clean()
    later = owed(loan, "08-26")
    assert later.payoff == before.payoff
    assert later.penalty == later.compound == 0


def test_a_breach_brings_back_what_was_waived_and_no_more_on_its_day(loan: Loan) -> None:
    terms = relief_terms("08-25", "1.00", first_due_on=day("09-25"), count=3)
    relieved(loan, terms, "08-25")
    before = owed(loan, "11-05").payoff
    on = day("11-05")

    reinstate(loan_id=loan.pk, on=on, key="b", actor=None, reason="未还", now=at(on))

    assert owed(loan, "11-05").payoff == before + D("1.00")
    assert_clean()
    paid(loan, str(owed(loan, "11-20").payoff), "11-20")
    assert_clean()


def test_an_acceleration_changes_nothing_on_its_day(loan: Loan) -> None:
    """With all_outstanding −0.20 of penalty was left on the rows that closed."""
    before = owed(loan, "07-20").payoff
    on = day("07-20")

    accelerate(loan_id=loan.pk, on=on, reason="逾期", actor=None, now=at(on))

    assert owed(loan, "07-20").payoff == before
    assert_clean()
    rate, per_day = loan.terms.penalty_rate, owed(loan, "07-20").penalty_per_day
    assert per_day <= D("6060.00") * D(rate.numerator) / rate.denominator + D("0.03")
    paid(loan, "300.00", "07-25")
    assert_clean()


def test_a_prepayment_leaves_the_rest_and_can_be_lived_again(loan: Loan) -> None:
    paid(loan, str(owed(loan, "07-20").due_now + 500), "07-20")
    before = owed(loan, "07-20").payoff
    paid(loan, "100.00", "07-20", "second")

    assert owed(loan, "07-20").payoff == before - D("100.00")
    assert figures(loan, day("09-30")) == figures(rebuilt(loan), day("09-30"))
    assert_clean()
