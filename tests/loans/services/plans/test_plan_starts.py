"""The start of a plan is never crossed by a correction: what bounced is owed again beside it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from loans.models import Correction, Loan
from loans.queries.papers import certificate_of
from loans.queries.types import Debt, InstalmentDebt
from loans.services.plans.restructure import revoke_relief
from portal.core.errors import RuleViolation
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
from tests.loans.services.payments.test_replayed_acts import (
    BREACH,
    DATES,
    LATER,
    bounce,
    broken,
    planned,
)

pytestmark = pytest.mark.django_db


def before_a_plan(amount: str = "100.00") -> Loan:
    """L with a payment on 09-20 (64.24 penalty first, then interest), then a plan from 10-09."""
    loan = example_loan()
    paid(loan, amount, "09-20")
    relieved(loan, relief_terms("10-09", "80.00"), "10-09")
    return loan


def beside(debt: Debt) -> InstalmentDebt:
    """The claim beside the plan."""
    return next(row for row in debt.instalments if row.is_added)


def signed(debt: Debt) -> list[InstalmentDebt]:
    """What is left of everything else."""
    return [row for row in debt.instalments if row.total and not row.is_added]


def on_time(loan: Loan) -> str:
    paid(loan, "300.00", "11-10")
    return "2023-11-12"


def unpaid(loan: Loan) -> str:
    return "2023-10-12"


def broke(loan: Loan) -> str:
    paid(loan, "300.00", "11-10")
    broken(loan, "2023-12-20")
    return "2023-12-22"


def planned_again(loan: Loan) -> str:
    broken(loan, "2023-11-30")
    terms = relief_terms("2023-11-30", "0.00", first_due_on=day("2023-12-30"))
    relieved(loan, terms, "2023-11-30", "relief:2")
    return "2023-12-05"


def completed(loan: Loan) -> str:
    paid(loan, f"{owed(loan, '2023-11-10').payoff}", "11-10", "all")
    assert certificate_of(Loan.objects.get(pk=loan.pk)) is not None
    return "2023-11-20"


@pytest.mark.parametrize("became", [unpaid, on_time, broke, planned_again, completed])
@pytest.mark.parametrize(
    ("amount", "row"),
    [
        ("100.00", ("0.00", "35.76", "64.24")),  # 64.24 penalty, then 35.76 of № 1's interest
        ("2100.00", ("1981.76", "54.00", "64.24")),  # the example of loans/RULES.md §5
    ],
)
def test_a_payment_from_before_a_plan_bounces_whatever_became_of_it(
    became: Callable[[Loan], str], amount: str, row: tuple[str, str, str]
) -> None:
    loan = before_a_plan(amount)
    on = became(loan)
    before = owed(loan, on)

    payment = bounce(loan, "09-20", now=on)

    after, fresh = owed(loan, on), Loan.objects.get(pk=loan.pk)
    added = beside(after)
    columns = ("principal", "kept_interest", "kept_penalty")
    assert tuple(added.parts[name] for name in columns) == tuple(D(amount) for amount in row)
    assert (added.due_on, added.is_added) == (day(on), True)
    assert after.payoff == before.payoff + payment.amount
    assert signed(after) == signed(before)
    assert not fresh.is_settled
    assert certificate_of(fresh) is None
    correction = Correction.objects.latest("pk")
    assert (correction.owed_after - correction.owed_before) == payment.amount
    assert "计划的数字不变" in correction.changes[0]
    assert figures(loan, day(on)) == figures(rebuilt(loan), day(on))
    assert_clean()
    paid(fresh, f"{after.payoff}", on, "at last")
    assert Loan.objects.get(pk=loan.pk).is_settled
    assert_clean()


def test_what_came_back_bears_penalty_from_its_own_day_only() -> None:
    """1,981.76 × 0.045 % × 10 days = 8.92; kept interest and penalty bear nothing."""
    loan = before_a_plan("2100.00")

    bounce(loan, "09-20", now="2023-10-12")

    assert owed(loan, "2023-10-12").penalty == 0
    assert owed(loan, "2023-10-22").penalty == D("8.92")


def test_a_breach_takes_the_claim_along_and_vests_by_the_plan_alone() -> None:
    """Nothing of the plan is paid: nothing vests; the 1,981.76 beside it are due too."""
    loan = before_a_plan("2100.00")
    bounce(loan, "09-20", now="2023-10-12")
    planned_principal = D("6000.00") - D("1981.76")

    schedule = broken(loan, "2023-11-30")

    assert (schedule.terms or {})["vested"] == "0.00"
    assert schedule.instalments.get().principal == planned_principal + D("1981.76")
    assert_clean()


def test_a_correction_after_the_bounce_does_it_again() -> None:
    """A payment by the plan is found late: the claim beside it stands as it was."""
    loan = before_a_plan("2100.00")
    bounce(loan, "09-20", now="2023-11-15")
    before = owed(loan, "2023-11-20")

    paid(loan, "100.00", "2023-11-10", "found", now="2023-11-20")

    assert owed(loan, "2023-11-20").payoff <= before.payoff - D("100.00")
    assert beside(owed(loan, "2023-11-20")).parts == beside(before).parts
    assert figures(loan, day("2023-11-20")) == figures(rebuilt(loan), day("2023-11-20"))
    assert_clean()


def test_revoking_and_agreeing_anew_is_still_a_way() -> None:
    loan = before_a_plan()
    paid(loan, "300.00", "11-10")

    bounce(loan, "11-10", now="11-12")
    revoke_relief(loan_id=loan.pk, key="relief:1", reason="退票", actor=None, now=at(day("11-12")))
    bounce(loan, "09-20", now="11-12")
    paid(loan, "300.00", "11-10", "again", now="11-12")

    assert not any(row.is_added for row in owed(loan, "11-12").instalments)
    assert figures(loan, day("11-12")) == figures(rebuilt(loan), day("11-12"))
    assert_clean()


def test_nothing_is_received_before_a_plan_that_broke() -> None:
    loan = before_a_plan()
    broken(loan, "11-30")

    with pytest.raises(RuleViolation, match="请改为 2023-10-09 或之后的日期"):
        paid(loan, "100.00", "10-08", now="12-01")

    paid(loan, "100.00", "10-09", "on the day", now="12-01")
    assert figures(loan, day("12-01")) == figures(rebuilt(loan), day("12-01"))
    assert_clean()


def test_a_second_plan_is_not_crossed_for_a_payment_of_the_first() -> None:
    loan = planned(*DATES)
    broken(loan)
    terms = relief_terms(BREACH, "0.00", first_due_on=day("2024-05-24"))
    relieved(loan, terms, BREACH, "relief:2")
    before = owed(loan, LATER)

    bounce(loan, DATES[4])

    assert owed(loan, LATER).payoff == before.payoff + D("509.17")
    assert signed(owed(loan, LATER)) == signed(before)
    assert_clean()
