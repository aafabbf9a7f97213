"""Corrections across a breach or an acceleration: figures by hand from loans/RULES.md §3, §6, §7."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from loans.models import Correction, Entry, Loan, Payment, Posting, Schedule
from loans.queries.papers import certificate_of
from loans.queries.position import load_position
from loans.services.acceleration import accelerate
from loans.services.payments.payment import reverse_payment
from loans.services.plans.breach import reinstate
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

pytestmark = pytest.mark.django_db
DATES = ("2023-11-10", "2023-12-10", "2024-01-10", "2024-02-10", "2024-03-10")
BREACH = "2024-04-24"
LATER = "2024-04-30"


def planned(*dates: str) -> Loan:
    """The first plan of loans/RULES.md §6 (11 × 509.17 + 509.25), paid on these dates."""
    loan = example_loan()
    relieved(loan, relief_terms("10-09", "161.50"), "10-09")
    for on in dates:
        paid(loan, "509.17", on)
    return loan


def broken(loan: Loan, on: str = BREACH) -> Schedule:
    return reinstate(
        loan_id=loan.pk, on=day(on), key="breach:1", actor=None, reason="未还", now=at(day(on))
    )


def accelerated(loan: Loan, on: str = "07-20") -> Schedule:
    return accelerate(loan_id=loan.pk, on=day(on), reason="多次逾期", actor=None, now=at(day(on)))


def bounce(loan: Loan, on: str, now: str = LATER) -> Payment:
    payment = Payment.objects.get(loan=loan, paid_on=day(on), reversed_by=None)
    return reverse_payment(payment_id=payment.pk, reason="退票", actor=None, now=at(day(now)))


def breach_of(loan: Loan) -> Schedule:
    """The breach in force."""
    live = load_position(Loan.objects.get(pk=loan.pk)).schedules_on()
    return [s for s in live if s.kind == Schedule.Kind.BREACHED][-1]


@dataclass(frozen=True)
class Broken:
    """A broken plan after a correction: yuan, by hand."""

    rule: str
    paid: tuple[str, ...]
    breach: str
    late: tuple[str, str] | None  # (amount, date) found after the breach
    bounced: str
    vested: str
    returned: str
    principal: str
    kept_penalty: str
    kept_interest: str


TABLE = (
    # 161.50 × 2,000 / 6,000 = 53.833…; 500 × 0.045 % × 45 = 10.125 and × 14 = 3.15
    Broken(
        "the fifth bounces", DATES, BREACH, None, DATES[4],
        "53.83", "107.67", "4000.00", "120.95", "73.44",
    ),
    # the fourth bounces: № 5's money is № 4's, 29 days late: 500 × 0.045 % × 29 = 6.525 → 6.53 is
    # paid first, then 9.17, so 493.47 of № 4's principal; 107.85 + 0.13 + 10.13 + 3.15 = 121.26
    Broken(
        "a later payment moves to the older instalment", DATES, BREACH, None, DATES[3],
        "53.65", "107.85", "4006.53", "121.26", "73.44",
    ),
    # 4 paid, 161.50 × 2,500 / 6,000 = 67.291…; № 5 was paid in time after all
    Broken(
        "a late found payment vests more, and the breach stays", DATES[:4], "2024-03-24",
        ("509.17", DATES[4]), "", "67.29", "94.21", "3500.00", "94.21", "64.27",
    ),
    # 100.00 on 03-20 for № 5: penalty 500 × 0.045 % × 10 = 2.25, interest 9.17, principal 88.58:
    # 161.50 × 2,088.58 / 6,000 = 56.217…; then 411.42 × 0.045 % × 4 = 0.74 to the breach
    Broken(
        "a part found late", DATES[:4], "2024-03-24", ("100.00", "2024-03-20"), "",
        "56.21", "105.29", "3911.42", "106.03", "64.27",
    ),
)  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.rule)
def test_a_breach_is_done_again(row: Broken) -> None:
    loan = planned(*row.paid)
    first = broken(loan, row.breach)

    if row.late:
        paid(loan, row.late[0], row.late[1], "found", now=LATER)
    else:
        bounce(loan, row.bounced)

    again = breach_of(loan)
    due = again.instalments.get()
    assert again.terms is not None
    assert (again.terms["vested"], again.terms["returned"]) == (row.vested, row.returned)
    assert due.principal == D(row.principal)
    assert (due.kept_penalty, due.kept_interest) == (D(row.kept_penalty), D(row.kept_interest))
    assert (again.opened_on, due.due_on) == (day(row.breach), day(row.breach))
    assert again.terms["reason"] == "未还"
    first.refresh_from_db()
    assert first.undone_on is not None
    assert figures(loan, day(LATER)) == figures(rebuilt(loan), day(LATER))
    assert_clean()


def test_what_the_bounced_payment_changed_is_written_down() -> None:
    """To 04-30: before 3.15 + 3,500 × 0.045 % × 6 = 9.45; after 10.13 + 3.15 + 10.80."""
    loan = planned(*DATES)
    broken(loan)

    bounce(loan, DATES[4])

    told = Correction.objects.get(kind=Correction.Kind.REVERSAL)
    ran = D("161.50")  # before the plan, waived
    assert (told.penalty_before, told.penalty_after) == (ran + D("12.60"), ran + D("24.08"))
    assert (told.owed_before, told.owed_after) == (D("3671.08"), D("4205.19"))
    assert told.changes == [
        "2024-04-24 的违约重新计算：减免保留 67.29 → 53.83 元，"
        "恢复 94.21 → 107.67 元，到期本金 3,500.00 → 4,000.00 元。"
    ]
    source = Entry.objects.filter(kind=Entry.Kind.BREACH).latest("pk").source
    assert "更正前：保留 67.29 元，恢复 94.21 元" in source


def test_a_settled_broken_plan_opens_again() -> None:
    """3,661.63 paid it off; without № 5 it leaves 4,194.39 − 3,661.63 = 532.76."""
    loan = planned(*DATES)
    broken(loan)
    paid(loan, "3661.63", BREACH)
    assert certificate_of(Loan.objects.get(pk=loan.pk)) is not None

    bounce(loan, DATES[4], now=BREACH)

    loan.refresh_from_db()
    assert loan.status == Loan.Status.ACTIVE
    assert certificate_of(loan) is None
    assert owed(loan, BREACH).payoff == D("532.76")
    assert_clean()


def test_corrected_twice_is_as_if_never() -> None:
    """Found and bounced again: the same figures, and the first key still stands for the breach."""
    loan = planned(*DATES[:4])
    first = broken(loan)
    before = figures(loan, day(LATER))
    paid(loan, "509.17", DATES[4], "found", now=LATER)

    bounce(loan, DATES[4])

    assert figures(loan, day(LATER)) == before
    assert Entry.objects.filter(kind=Entry.Kind.BREACH).count() == 3
    count = Posting.objects.count()
    again = broken(loan)
    assert again == breach_of(loan) != first
    assert Posting.objects.count() == count
    assert_clean()


def test_a_plan_that_was_paid_in_full_did_not_break() -> None:
    """5 of 12 paid on 03-10; the rest, 6 × 509.17 + 509.25 = 3,564.27, was paid that day too."""
    loan = planned(*DATES)
    broken(loan)
    count = Posting.objects.count()

    with pytest.raises(RuleViolation, match="2024-04-24（确认违约的日期）之前已经还清") as refused:
        paid(loan, "3564.27", DATES[4], "found", now=LATER)

    assert refused.value.code == "PLAN_PAID"
    assert Posting.objects.count() == count
    assert not Correction.objects.exists()
    paid(loan, "3564.26", DATES[4], "one fen less", now=LATER)
    assert breach_of(loan).instalments.get().principal == D("0.01")
    assert_clean()


def test_acceleration_then_a_back_dated_payment() -> None:
    """3,000 on 07-10: № 1 whole (2,036.70) and 963.30 ahead; 4,017.30 − 963.30 = 3,054.00 due
    early on 07-20 with 3,054 × 0.03 % × 10 = 9.16. To 07-30 the penalty was 17.84 + 18.08 = 35.92
    and is 3,054 × 0.045 % × 10 = 13.74."""
    loan = example_loan()
    assert accelerated(loan).instalments.get().principal == D("4017.30")

    paid(loan, "3000.00", "07-10", "found", now="07-30")

    loan.refresh_from_db()
    assert loan.accelerated_on == day("07-20")
    now = owed(loan, "07-30")
    assert (now.principal, now.interest, now.penalty) == (D("3054.00"), D("9.16"), D("13.74"))
    told = Correction.objects.get()
    assert (told.penalty_before, told.penalty_after) == (D("35.92"), D("13.74"))
    assert told.changes == [
        "2023-07-20 的提前到期重新计算：提前到期的本金 4,017.30 → 3,054.00 元。"
    ]
    assert figures(loan, day("07-30")) == figures(rebuilt(loan), day("07-30"))
    assert_clean()


def test_acceleration_then_a_payment_before_it_bounces() -> None:
    """The prepayment of 06-20 is taken back: 4,017.30 and 12.05 of interest are due early."""
    loan = example_loan()
    paid(loan, "1000.00", "06-20")
    accelerated(loan)
    paid(loan, "500.00", "07-25")

    bounce(loan, "06-20", now="07-30")

    row = Schedule.objects.filter(loan=loan, undone_on=None).latest("number").instalments.get()
    assert (row.principal, row.interest) == (D("4017.30"), D("12.05"))
    assert figures(loan, day("07-30")) == figures(rebuilt(loan), day("07-30"))
    assert_clean()


def test_an_acceleration_lapses_when_nothing_was_left_to_come() -> None:
    """54.00 + 6,000.00 on 07-10 pays everything: settled that day, nothing to accelerate."""
    loan = example_loan()
    accelerated(loan)

    payment = paid(loan, "6054.00", "07-10", "found", now="07-30")

    loan.refresh_from_db()
    assert (loan.accelerated_on, loan.settled_on) == (None, day("07-10"))
    assert "不再需要" in Correction.objects.get().changes[0]
    assert_clean()
    reverse_payment(payment_id=payment.pk, reason="退票", actor=None, now=at(day("07-30")))
    assert accelerated(loan, "07-30").instalments.get().principal == D("4017.30")
    assert_clean()


def test_what_a_later_payment_then_brings_too_much_is_credit() -> None:
    loan = planned(*DATES)
    broken(loan)
    paid(loan, "3661.63", BREACH)

    paid(loan, "509.17", "2024-04-10", "found", now=LATER)

    later = Payment.objects.get(loan=loan, paid_on=day(BREACH))
    credit = load_position(Loan.objects.get(pk=loan.pk)).credit
    assert D(later.split_now["credit"]) == credit > D("509.17")
    assert figures(loan, day(LATER)) == figures(rebuilt(loan), day(LATER))
    assert_clean()
