"""Maker and checker at the desk: one pattern for every act on the books."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from loans.models import Entry, Loan, Payment, Proposal
from loans.queries.debt import load_debt
from loans.services.payments.payment import pay
from portal.core import clock
from portal.core.kernel.roles import Rank
from portal.core.models import Notice
from tests import factories
from tests.loans.books import assert_clean
from tests.two_people import bounce, decide, maker, person

TODAY = date(2026, 3, 2)
REASON = {"reason": "银行退票，按原日期冲回"}
S = Proposal.Status


def received(loan: Loan, amount: str = "100.00") -> Payment:
    return pay(
        loan_id=loan.pk,
        amount=Decimal(amount),
        paid_on=TODAY,
        reference=f"r-{amount}",
        actor=None,
        now=factories.NOW,
    )


def form_of(payment: Payment) -> str:
    return reverse("admin:loans_payment_reverse", args=[payment.pk])


@pytest.fixture
def waiting(loan: Loan) -> Proposal:
    """A reviewer has proposed to reverse 100.00."""
    assert maker().post(form_of(received(loan)), REASON).status_code == 302
    return Proposal.objects.get()


def state(proposal: Proposal) -> str:
    proposal.refresh_from_db()
    return proposal.status


def test_nothing_is_booked_before_somebody_else_approves(waiting: Proposal) -> None:
    entries = Entry.objects.count()
    debt = load_debt(waiting.loan, TODAY)
    assert waiting.payment is not None
    assert not waiting.payment.is_reversed
    assert waiting.effect[0] == f"总待还 {debt.total:,.2f} → {debt.total + 100:,.2f}"

    answer = decide(waiting, "approve", person(Rank.SUPERVISOR), note="凭证已核对")

    waiting.payment.refresh_from_db()
    assert state(waiting) == S.APPROVED
    assert waiting.payment.is_reversed
    assert Entry.objects.count() > entries
    assert "已入账" in answer.content.decode()
    assert (waiting.note, waiting.decided_by) == ("凭证已核对", factories.staff(Rank.SUPERVISOR))
    reversal = Entry.objects.get(pk=waiting.payment.reversed_by_id)
    assert reversal.actor == waiting.decided_by
    assert_clean()


def test_maker_and_checkers_are_told(waiting: Proposal) -> None:
    factories.staff(Rank.SUPERVISOR)
    received_twice = received(waiting.loan, "50.00")
    maker().post(form_of(received_twice), REASON)
    second = Proposal.objects.latest("pk")

    asked = Notice.objects.get(event="staff_act_waiting", user=factories.staff(Rank.SUPERVISOR))
    assert "冲正还款 50.00 元" in asked.body
    decide(second, "refuse", person(Rank.SUPERVISOR), reason="凭证不全，请补充")
    told = Notice.objects.get(event="staff_act_decided")
    assert (told.user, "凭证不全" in told.body) == (second.made_by, True)


@pytest.mark.parametrize("end", ["approve", "refuse"])
def test_nobody_decides_on_their_own_proposal(loan: Loan, end: str) -> None:
    boss = person(Rank.MANAGER, "boss")
    boss.post(form_of(received(loan)), REASON)
    proposal = Proposal.objects.get()

    page = boss.get(reverse("admin:loans_proposal_change", args=[proposal.pk])).content.decode()
    answer = decide(proposal, end, boss, **REASON)

    assert answer.status_code == 403
    assert "提出人不能复核自己的操作" in page
    assert "复核通过</a>" not in page
    assert state(proposal) == S.PENDING


@pytest.mark.parametrize(
    ("amount", "rank", "status"),
    [
        ("100.00", Rank.REVIEWER, 403),
        ("100.00", Rank.AUDITOR, 403),
        ("100.00", Rank.SUPERVISOR, 200),
        ("5000.01", Rank.SUPERVISOR, 403),
        ("5000.01", Rank.MANAGER, 200),
    ],
)
def test_the_rank_follows_from_the_amount(loan: Loan, amount: str, rank: Rank, status: int) -> None:
    maker().post(form_of(received(loan, amount)), REASON)
    proposal = Proposal.objects.get()

    answer = decide(proposal, "approve", person(rank, "checker"), note="")

    assert answer.status_code == status
    assert (state(proposal) == S.APPROVED) == (status == 200)


def test_nobody_decides_on_a_loan_of_their_own(waiting: Proposal) -> None:
    factories.staff(Rank.MANAGER, "own", same_person_as=waiting.loan.borrower)

    assert decide(waiting, "approve", person(Rank.MANAGER, "own")).status_code == 403
    assert not Notice.objects.filter(user__username="own").exists()


def test_sent_back_or_withdrawn_books_nothing_and_may_be_proposed_again(waiting: Proposal) -> None:
    assert waiting.payment is not None
    address = form_of(waiting.payment)
    twice = maker().post(address, REASON)
    assert (twice.status_code, "在等待复核" in twice.content.decode()) == (409, True)

    decide(waiting, "refuse", person(Rank.SUPERVISOR), reason="凭证不全，请补充")
    assert state(waiting) == S.REFUSED
    assert maker().post(address, REASON).status_code == 302
    second = Proposal.objects.latest("pk")
    assert decide(second, "withdraw", person(Rank.SUPERVISOR)).status_code == 403
    decide(second, "withdraw", maker())

    assert state(second) == S.WITHDRAWN
    answer = decide(second, "approve", person(Rank.SUPERVISOR), note="")
    assert (answer.status_code, "不能再处理" in answer.content.decode()) == (409, True)
    waiting.payment.refresh_from_db()
    assert not waiting.payment.is_reversed


def test_what_nobody_decided_lapses(waiting: Proposal) -> None:
    assert waiting.payment is not None
    with clock.frozen(factories.NOW + timedelta(days=7)):
        page = maker().get(reverse("admin:loans_proposal_change", args=[waiting.pk]))
        late = decide(waiting, "approve", person(Rank.SUPERVISOR), note="")
        again = maker().post(form_of(waiting.payment), REASON)

    assert "已过期" in page.content.decode()
    assert (late.status_code, "已过有效期" in late.content.decode()) == (409, True)
    assert again.status_code == 302
    assert state(waiting) == S.EXPIRED


def test_what_changed_meanwhile_is_refused_and_goes_on_waiting(waiting: Proposal) -> None:
    """The act is done on the books as they are at its approval: twice is once."""
    assert waiting.payment is not None
    done = bounce(received(waiting.loan, "60.00"))
    assert done.status == S.APPROVED

    decide(waiting, "approve", person(Rank.SUPERVISOR), note="")

    assert state(waiting) == S.APPROVED
    assert_clean()


def test_a_reason_is_required(client: Client, loan: Loan) -> None:
    answer = maker().post(form_of(received(loan)), {"reason": " "})

    assert answer.status_code == 422
    assert "原因：请写明" in answer.content.decode()
    assert not Proposal.objects.exists()


def test_the_database_refuses_a_maker_who_is_the_checker(waiting: Proposal) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Proposal.objects.update(
            status=S.APPROVED, decided_by=waiting.made_by, decided_at=factories.NOW
        )
