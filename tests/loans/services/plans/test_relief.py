"""Relief on the books: locked figures, once per key, revoked to equal balances, broken, again."""

from __future__ import annotations

import pytest

from loans.domain.profile import Method, ProductProfile, RateKind
from loans.models import Entry, Loan, Schedule
from loans.queries.debt import load_debt
from loans.queries.position import load_position
from loans.services.acceleration import accelerate
from loans.services.payments.payment import reverse_payment
from loans.services.plans.breach import reinstate
from loans.services.plans.restructure import preview_relief, revoke_relief
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

pytestmark = pytest.mark.django_db
YEARLY = ProductProfile(
    code="annual_144",
    name="年利率 14.4%，先息后本",
    rate_kind=RateKind.ANNUAL,
    rate=D("0.144"),
    method=Method.INTEREST_ONLY,
)


def revoke(loan: Loan, on: str, key: str = "relief:1") -> Schedule:
    return revoke_relief(loan_id=loan.pk, key=key, reason="录入错误", actor=None, now=at(day(on)))


def broken(loan: Loan, on: str, key: str = "breach:1") -> Schedule:
    return reinstate(
        loan_id=loan.pk, on=day(on), key=key, actor=None, reason="未还", now=at(day(on))
    )


def balances(loan: Loan) -> dict[tuple[int, str], object]:
    position = load_position(Loan.objects.get(pk=loan.pk))
    accounts = {move.account for moves in position.moves.values() for move in moves}
    found = {
        (pk, account): position.balance(pk, account)
        for pk in position.moves
        for account in accounts
    }
    return {place: amount for place, amount in found.items() if amount}


def test_same_key_executes_once() -> None:
    loan = example_loan()
    first = relieved(loan, relief_terms("10-09", "161.50"), "10-09")
    entries = Entry.objects.count()

    again = relieved(loan, relief_terms("10-09", "161.50"), "10-09")

    assert again == first
    assert Entry.objects.count() == entries


def test_penalty_that_ran_on_after_the_offer_is_waived_as_its_own_line() -> None:
    """Figures of 10-09 (161.50), accepted on 10-12: three more days are waived too."""
    loan = example_loan()
    ran_on = owed(loan, "10-12").penalty - D("161.50")
    terms = relief_terms("10-09", "96.90")
    shown = preview_relief(loan=loan, terms=terms, on=day("10-12"))

    plan = relieved(loan, terms, "10-12")

    assert ran_on == D("8.11")
    assert plan.terms is not None
    assert plan.terms["waived_meanwhile"] == "8.11"
    meanwhile = Entry.objects.get(key="relief:1:meanwhile")
    waived = sum(p.amount for p in meanwhile.postings.filter(account="waiver"))
    assert waived == ran_on
    assert owed(loan, "10-12").total == shown.total == D("6174.72")
    assert_clean()


def test_payment_after_the_figures_makes_the_offer_stale() -> None:
    loan = example_loan()
    paid(loan, "50.00", "10-10")

    with pytest.raises(RuleViolation) as refused:
        relieved(loan, relief_terms("10-09", "96.90"), "10-12")

    assert refused.value.code == "DEBT_CHANGED"
    assert Schedule.objects.count() == 1


def test_waiving_more_than_is_owed_is_refused() -> None:
    loan = example_loan()

    with pytest.raises(RuleViolation) as refused:
        relieved(loan, relief_terms("10-09", "161.51"), "10-09")

    assert refused.value.field == "waive_penalty"
    assert Entry.objects.count() == 1


def test_undue_interest_runs_to_the_figures_and_is_kept() -> None:
    """On 07-20 №1 is late and ten days of №2 have run: 4,017.30 × 0.03 % × 10 = 12.05 (DOWN)."""
    loan = example_loan()
    before = owed(loan, "07-20")
    assert before.accrued_interest == D("12.05")
    terms = relief_terms("07-20", "5.00", 6, first_due_on=day("08-25"))

    relieved(loan, terms, "07-22")

    after = owed(loan, "07-22")
    assert after.total == before.payoff - D("5.00")
    assert after.kept_interest == D("54.00") + D("12.05")
    assert after.penalty == 0
    assert_clean()


def test_due_date_between_figures_and_execution() -> None:
    loan = example_loan()
    before = owed(loan, "08-08")
    terms = relief_terms("08-08", "10.00", 6, first_due_on=day("08-25"))

    relieved(loan, terms, "08-12")

    assert owed(loan, "08-12").total == before.payoff - D("10.00")
    assert_clean()


def test_all_components_can_be_waived() -> None:
    loan = example_loan()
    terms = relief_terms("10-09", "161.50", waive_interest=D("110.12"))

    relieved(loan, terms, "10-09")

    assert owed(loan, "10-09").total == D("6000.00")
    assert_clean()


@pytest.mark.parametrize("execution", ["10-09", "10-12"])
def test_revoke_restores_equal_balances(execution: str) -> None:
    loan = example_loan()
    paid(loan, "100.00", "09-20")
    expected = owed(loan, "10-20")
    terms = relief_terms("10-09", "60.00", waive_interest=D("20.00"))
    relieved(loan, terms, execution)

    revoke(loan, "10-20")
    revoke(loan, "10-20")

    assert owed(loan, "10-20") == expected
    assert Schedule.objects.get(loan=loan, superseded_on=None).kind == Schedule.Kind.ORIGINAL
    assert_clean()
    relieved(loan, relief_terms("10-20", "60.00"), "10-20", key="relief:2")
    assert_clean()


def test_revoke_on_the_same_day_gives_back_the_very_postings() -> None:
    loan = example_loan()
    paid(loan, "100.00", "10-09")
    before = balances(loan)
    relieved(loan, relief_terms("10-09", "60.00"), "10-09")

    revoke(loan, "10-09")

    assert balances(loan) == before


def test_revoke_after_a_payment_is_refused() -> None:
    loan = example_loan()
    relieved(loan, relief_terms("10-09", "60.00"), "10-09")
    paid(loan, "1.00", "10-09")

    with pytest.raises(RuleViolation):
        revoke(loan, "10-10")


def test_revoke_after_the_plan_was_late() -> None:
    loan = example_loan()
    relieved(loan, relief_terms("10-09", "60.00"), "10-09")
    payment = paid(loan, "1.00", "2023-11-20")
    reverse_payment(payment_id=payment.pk, reason="退票", actor=None, now=at(day("2023-11-20")))
    revoke(loan, "2023-11-20")

    assert owed(loan, "2023-11-20").penalty > D("161.50")
    assert_clean()


def test_second_plan_and_no_third() -> None:
    loan = example_loan()
    relieved(loan, relief_terms("10-09", "96.90"), "10-09")
    paid(loan, "514.55", "2023-11-10")
    terms = relief_terms("2023-12-20", "20.00", first_due_on=day("2024-01-10"))

    relieved(loan, terms, "2023-12-20", key="relief:2")

    assert owed(loan, "2023-12-20").principal == D("5500.00")
    assert_clean()
    with pytest.raises(RuleViolation, match="最多协商 2 次"):
        relieved(loan, terms, "2023-12-20", key="relief:3")


def test_plan_with_interest_is_recomputed_when_paid_ahead_and_when_broken() -> None:
    """7.2 % a year over 24 months; paid ahead after one month; then broken."""
    loan = example_loan()
    terms = relief_terms("10-09", "161.50", 24, plan_annual_rate=D("0.072"))
    relieved(loan, terms, "10-09")
    first = owed(loan, "2023-11-10").instalments[0]
    paid(loan, str(first.total), "2023-11-10")
    ahead = load_debt(loan, day("2023-11-25")).payoff

    paid(loan, "1000.00", "2023-11-25")

    after = owed(loan, "2023-11-25")
    assert after.payoff == ahead - D("1000.00")
    assert after.is_plan
    assert after.kept_interest == 0
    assert_clean()
    broken(loan, "2024-02-01")
    assert_clean()
    assert owed(loan, "2024-02-01").overdue_days == 0
    assert owed(loan, "2024-02-02").overdue_days == 1


def test_breach_needs_a_plan_and_happens_once() -> None:
    loan = example_loan()
    with pytest.raises(RuleViolation) as refused:
        broken(loan, "10-09")
    assert refused.value.code == "NO_PLAN"
    relieved(loan, relief_terms("10-09", "161.50"), "10-09")

    first = broken(loan, "2023-11-24")

    assert broken(loan, "2023-11-24") == first
    assert owed(loan, "2023-11-24").kept_penalty == D("161.50") + D("3.15")
    assert_clean()
    paid(loan, str(load_debt(loan, day("2023-12-01")).payoff), "2023-12-01")
    assert Loan.objects.get(pk=loan.pk).is_settled
    assert_clean()


def test_acceleration_makes_all_principal_due_and_drops_future_interest() -> None:
    loan = example_loan()
    before = owed(loan, "07-20")

    accelerate(
        loan_id=loan.pk, on=day("07-20"), reason="多次逾期", actor=None, now=at(day("07-20"))
    )

    after = owed(loan, "07-20")
    assert after.payoff == after.due_now == before.payoff
    assert [row.number for row in after.instalments] == [1, 2]
    assert after.overdue_days == 10
    next_day = owed(loan, "07-21")
    assert next_day.instalments[1].penalty == D("1.81")  # 4,017.30 × 0.045 %
    assert_clean()
    with pytest.raises(RuleViolation, match="不能重复"):
        accelerate(loan_id=loan.pk, on=day("07-21"), reason="x", actor=None, now=at(day("07-21")))
    paid(loan, str(next_day.payoff), "07-21")
    assert Loan.objects.get(pk=loan.pk).is_settled
    assert_clean()


def test_interest_only_loan_by_the_year() -> None:
    loan = example_loan(product=YEARLY, principal=D("10000.00"), term_months=6)
    assert load_debt(loan, day("07-10")).interest == D("120.00")

    paid(loan, "120.00", "07-10")
    paid(loan, "2000.00", "07-25")
    relieved(
        loan,
        relief_terms("2023-12-20", "0.00", 10, first_due_on=day("2024-01-10")),
        "2023-12-20",
    )

    assert loan.schedules.count() == 3
    assert_clean()
