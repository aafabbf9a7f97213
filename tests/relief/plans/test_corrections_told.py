"""A correction is told once: to the borrower in the app and by message, and on the case's trail."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from loans.models import Correction, Loan, Payment
from loans.proofs import violations as book_violations
from loans.queries.debt import load_debt
from loans.services.acceleration import accelerate
from loans.services.payments.payment import pay, reverse_payment
from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date
from portal.core.models import Delivery, Notice
from relief import invariants
from relief.cases.models import Case
from relief.cases.queries import timeline
from relief.cases.workflow import State
from tests import factories
from tests.factories import NOW, case_at, noon, overdue_loan, staff
from tests.relief.crash import Crashed, dying_after, snapshot

pytestmark = pytest.mark.django_db
D = Decimal
ON = business_date(NOW)


def bounce(payment: Payment, days: int = 1) -> None:
    when = noon(payment.paid_on + timedelta(days=days))
    reverse_payment(payment_id=payment.pk, reason="银行退票", actor=None, now=when)


def found_late(case: Case, amount: str, on: date, now: date) -> Payment:
    return pay(
        loan_id=case.loan_id,
        amount=D(amount),
        paid_on=on,
        reference=f"late-{on}",
        actor=staff(),
        now=noon(now),
    )


def told() -> tuple[list[Notice], list[Delivery]]:
    """The notices and the messages about corrections."""
    event = "loan_corrected"
    return list(Notice.objects.filter(event=event)), list(Delivery.objects.filter(event=event))


def broken_rules() -> list[str]:
    real = clock.real_now()
    found = invariants.violations(now=NOW + timedelta(days=130), real_now=real)
    return [str(one) for one in found]


def test_a_reversal_is_told_without_any_case() -> None:
    loan = overdue_loan()
    factories.pay_amount(loan, D("100.00"), ON)
    payment = loan.payments.get()

    bounce(payment)
    bounce(payment)  # the second click

    (notice,), (message,) = told()
    assert notice.user == loan.borrower
    assert "2026年3月2日 的还款 100.00 元已冲正（原因：银行退票）" in notice.body
    assert message.channel == "sms"
    assert message.mandatory
    assert "有一笔3月2日的还款已冲正，详情请登录宽息查看" in message.text
    assert "100.00" not in message.text
    assert Correction.objects.count() == 1
    assert broken_rules() == []


def test_a_payment_found_late_is_told_and_one_of_today_is_not() -> None:
    case = case_at(State.IN_REVIEW)
    factories.pay_amount(case.loan, D("50.00"), ON)
    assert told() == ([], [])

    found_late(case, "100.00", ON - timedelta(days=10), ON)
    found_late(case, "100.00", ON - timedelta(days=10), ON)  # the provider's second call

    (notice,), (message,) = told()
    assert "还款 100.00 元已补记入账" in notice.body
    assert "累计罚息" in notice.body
    assert "有一笔2月20日的还款已补记入账" in message.text


def accelerated(days_ago: int = 1) -> Loan:
    loan = overdue_loan()
    on = ON - timedelta(days=days_ago)
    accelerate(loan_id=loan.pk, on=on, reason="多次逾期", actor=None, now=noon(on))
    return loan


def found_before(loan: Loan, amount: Decimal, reference: str) -> None:
    """A payment of five days ago turns up today."""
    on = ON - timedelta(days=5)
    pay(loan_id=loan.pk, amount=amount, paid_on=on, reference=reference, actor=None, now=NOW)


def test_an_acceleration_done_again_is_told_and_a_refused_correction_is_not() -> None:
    loan = accelerated()

    found_before(loan, D("100.00"), "part")
    with pytest.raises(RuleViolation, match="应还"):  # more than all that was owed that day
        found_before(loan, D("90000.00"), "much")

    (notice,), (message,) = told()
    assert "，提前到期的金额已重新计算，" in message.text
    assert "的提前到期重新计算：提前到期的本金" in notice.body
    assert broken_rules() == []


def test_an_acceleration_that_lapsed_is_told() -> None:
    loan = accelerated()
    plain = overdue_loan()
    everything = load_debt(plain, ON - timedelta(days=5)).payoff

    found_before(loan, everything, "all")

    (notice,), (message,) = told()
    loan.refresh_from_db()
    assert (loan.accelerated_on, loan.is_settled) == (None, True)
    effects = "，此前宣布的提前到期不再需要，借款已结清，结清证明已开出"
    assert effects in message.text
    assert effects in notice.body
    assert "的提前到期不再需要：当天已没有未到期的本金" in notice.body
    assert broken_rules() == []


def test_a_recomputed_breach_is_told_and_on_the_trail_with_its_message() -> None:
    case = case_at(State.PLAN_ACTIVE)
    factories.pay_plan(case, 2)
    second = case.loan.payments.latest("paid_on")
    third = next(r.due_on for r in load_debt(case.loan, second.paid_on).instalments if r.total)
    late = noon(third + timedelta(days=14))
    factories.sweep_through(case, late)
    case.refresh_from_db()
    factories.plan_watch.breach(
        case=case, reason="未还", actor=staff(factories.Rank.SUPERVISOR), now=late
    )

    reverse_payment(payment_id=second.pk, reason="银行退票", actor=None, now=late)

    (notice,), (message,) = told()
    assert "的违约重新计算：减免保留" in notice.body
    assert "，计划终止时的结算已重新计算，" in message.text
    entry = next(e for e in timeline(case) if e.event.action == "CORRECTED")
    assert [delivery.pk for delivery in entry.deliveries] == [message.pk]
    assert "的违约重新计算：减免保留" in entry.event.note_public
    assert (entry.event.from_state, entry.event.to_state) == ("BREACHED", "BREACHED")
    assert broken_rules() == []


@pytest.mark.django_db(transaction=True)
def test_a_crash_at_any_write_of_a_reversal_tells_nothing() -> None:
    case = case_at(State.COMPLETED)
    payment = case.loan.payments.get()
    before = snapshot()
    fatal = 0
    while True:
        fatal += 1
        with dying_after(fatal):
            try:
                bounce(payment)
            except Crashed:
                assert snapshot() == before, f"after write {fatal}"
                continue
        break

    after = snapshot()
    bounce(payment)

    assert snapshot() == after
    case.refresh_from_db()
    assert case.state == State.PLAN_ACTIVE
    assert [len(rows) for rows in told()] == [1, 1]
    assert Notice.objects.filter(event="plan_reopened").count() == 1
    assert book_violations() == []
