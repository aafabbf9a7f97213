"""Each act on the books at the desk, and on the borrower's statement afterwards."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from loans.models import Loan, Proposal
from loans.queries.debt import load_debt
from portal.core import clock
from portal.core.kernel.roles import Rank
from portal.core.models import Notice
from tests import factories
from tests.loans.books import assert_clean
from tests.loans.pages.marks import figures
from tests.two_people import book, maker, person

TODAY = date(2026, 3, 2)
REASON = "按业务部门书面通知办理"


def act_on(loan: Loan, slug: str) -> str:
    return reverse("admin:loans_loan_propose", args=[loan.pk, slug])


def desk_page(loan: Loan, client: Client | None = None) -> str:
    answer = (client or maker()).get(reverse("admin:loans_loan_change", args=[loan.pk]))
    return str(answer.content.decode())


def statement(lin: Client, loan: Loan) -> str:
    answer = lin.get(reverse("loans:statement", args=[loan.public_id]))
    paper = lin.get(reverse("loans:statement-pdf", args=[loan.public_id]))
    assert (answer.status_code, paper.status_code) == (200, 200)
    debt = load_debt(loan, TODAY)
    assert figures(answer, "total-due") == [debt.total]
    (closing,), (unbooked,) = (
        figures(answer, f"statement-{name}") for name in ("closing", "unbooked")
    )
    credit = sum(figures(answer, "credit-balance"), Decimal(0))
    assert closing + unbooked + credit == debt.total
    return str(answer.content.decode())


@pytest.fixture
def overpaid(loan: Loan) -> Loan:
    """20.00 more than everything came in."""
    amount = load_debt(loan, TODAY).payoff + 20
    late = {"amount": f"{amount}", "paid_on": f"{TODAY}", "reference": "too-much", "reason": REASON}
    assert maker().post(act_on(loan, "late-payment"), late).status_code == 409
    book(act_on(loan, "late-payment"), late | {"keep_excess": "on"})
    return Loan.objects.get(pk=loan.pk)


def test_an_overpayment_is_refunded_and_comes_back(lin: Client, overpaid: Loan) -> None:
    assert "溢缴款余额" in desk_page(overpaid)
    assert "溢缴款（多还的，可退还）" in statement(lin, overpaid)
    data = {"amount": "20.00", "reference": "out-1", "reason": REASON}
    wrong = maker().post(act_on(overpaid, "refund"), data | {"amount": "20.01"})
    assert (wrong.status_code, "超过溢缴款余额" in wrong.content.decode()) == (409, True)

    book(act_on(overpaid, "refund"), data, Rank.SUPERVISOR)

    assert "退还溢缴款" in statement(lin, overpaid)
    assert "付款流水号 out-1" in Notice.objects.get(event="loan_act").body
    back = {"reference": "out-1", "reason": REASON}
    proposal = book(act_on(overpaid, "refund-back"), back)
    assert (proposal.kind, proposal.amount) == (Proposal.Kind.REFUND_BACK, Decimal("20.00"))
    assert "溢缴款（多还的，可退还）" in statement(lin, overpaid)
    assert_clean()


def test_a_write_off_leaves_the_claim(lin: Client, loan: Loan) -> None:
    before = load_debt(loan, TODAY)
    address = act_on(loan, "write-off")
    both = maker().post(address, {"whole": "on", "principal": "1.00", "reason": REASON})
    none = maker().post(address, {"reason": REASON})
    odd = maker().post(address, {"principal": "1e3", "reason": REASON})
    much = maker().post(address, {"principal": f"{before.principal + 1}", "reason": REASON})
    assert [one.status_code for one in (both, none, odd, much)] == [422, 422, 422, 409]
    assert "二选一" in both.content.decode()
    assert "本金还可以核销" in much.content.decode()

    book(address, {"principal": "1000.00", "reason": REASON}, Rank.SUPERVISOR)
    assert load_debt(loan, TODAY) == before
    book(address, {"whole": "on", "reason": REASON})  # more than 5,000.00: a manager's
    factories.pay_amount(loan, Decimal("500.00"), TODAY)

    told = statement(lin, loan)
    assert "核销 1,000.00 元（本金 1,000.00），欠款不变" in told
    assert "已核销的部分收回 500.00 元" in told
    assert "已核销" in desk_page(loan)
    assert Notice.objects.filter(event="loan_act", title="借款已作核销处理").count() == 2
    assert_clean()


def test_non_accrual_is_told_and_changes_nothing(lin: Client, loan: Loan) -> None:
    assert "转列非应计" not in desk_page(loan)
    later = TODAY + timedelta(days=9)  # № 1 is 91 days overdue
    with clock.frozen(factories.noon(later)):
        before = load_debt(loan, later)
        assert "转列非应计" in desk_page(loan)
        book(act_on(loan, "non-accrual"), {"reason": REASON})

        page = lin.get(reverse("loans:statement", args=[loan.public_id])).content.decode()
        assert load_debt(loan, later) == before
        assert "逾期超过 90 天，利息和罚息转表外核算" in page
        assert "非应计：表外利息和罚息" in desk_page(loan)
    assert_clean()


def test_an_adjustment_keeps_the_sum(lin: Client, loan: Loan) -> None:
    before = load_debt(loan, TODAY)
    address = act_on(loan, "adjustment")
    data = {"from_part": "penalty", "to_part": "interest", "amount": "10.00", "reason": REASON}
    same = maker().post(address, data | {"to_part": "penalty"})
    odd = maker().post(address, data | {"to_part": "fee"})
    assert (same.status_code, odd.status_code) == (409, 422)

    book(address, data, Rank.SUPERVISOR)

    after = load_debt(loan, TODAY)
    assert (after.payoff, after.penalty) == (before.payoff, before.penalty - 10)
    told = statement(lin, loan)
    assert "罚息和费用 10.00 元调为利息" in told
    detail = lin.get(reverse("loans:detail", args=[loan.public_id])).content.decode()
    assert "追加应还" in detail
    assert_clean()


def test_acts_are_offered_where_there_is_something_to_do(loan: Loan) -> None:
    page = desk_page(loan)

    assert "退还溢缴款" not in page
    assert "退款退回" not in page
    assert "退还溢缴款" not in desk_page(loan, person(Rank.AUDITOR))
    assert person(Rank.AUDITOR).get(act_on(loan, "refund")).status_code == 403
    assert maker().get(act_on(loan, "no-such-act")).status_code == 404


def test_nobody_proposes_on_a_loan_of_their_own(loan: Loan) -> None:
    factories.staff(Rank.MANAGER, "own", same_person_as=loan.borrower)

    assert person(Rank.MANAGER, "own").get(act_on(loan, "refund")).status_code == 403
