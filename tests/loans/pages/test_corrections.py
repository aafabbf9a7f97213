"""What a late or bounced payment changed is on the borrower's pages and at the staff desk."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from loans.models import Correction, Loan, Payment, Proposal
from loans.queries.debt import load_debt
from loans.services.acceleration import accelerate
from loans.services.payments.payment import pay, reverse_payment
from portal.core.kernel.roles import Rank
from tests import factories
from tests.loans.books import day
from tests.loans.pages.marks import figures
from tests.two_people import book, bounce, maker

D = Decimal


def receive(loan: Loan, amount: str, on: str) -> Payment:
    return pay(
        loan_id=loan.pk,
        amount=D(amount),
        paid_on=day(on),
        reference=f"{on}-{amount}",
        actor=None,
        now=factories.NOW,
    )


@pytest.fixture
def corrected(loan: Loan) -> Correction:
    """Accelerated on 03-01, then 300.00 of 02-20 turn up on 03-02."""
    on = day("2026-03-01")
    accelerate(loan_id=loan.pk, on=on, reason="多次逾期", actor=None, now=factories.NOW)
    receive(loan, "300.00", "2026-02-20")
    return Correction.objects.get()


PAGES = ["loans:statement", "loans:penalty"]


@pytest.mark.parametrize("page", PAGES)
def test_before_and_after_are_on_the_page(lin: Client, corrected: Correction, page: str) -> None:
    response = lin.get(reverse(page, args=[corrected.loan.public_id]))

    assert figures(response, "penalty-before") == [corrected.penalty_before]
    assert figures(response, "penalty-after") == [corrected.penalty_after]
    assert corrected.penalty_after < corrected.penalty_before
    assert figures(response, "owed-after") == [load_debt(corrected.loan, day("2026-03-02")).total]
    assert "2026-03-01 的提前到期重新计算" in response.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_said_without_a_correction(lin: Client, loan: Loan, page: str) -> None:
    receive(loan, "300.00", "2026-03-02")

    text = lin.get(reverse(page, args=[loan.public_id])).content.decode()

    assert "更正记录" not in text


def test_the_receipt_says_how_it_is_split_now(lin: Client, loan: Loan) -> None:
    later = receive(loan, "300.00", "2026-03-02")
    receive(loan, "500.00", "2026-02-20")
    later.refresh_from_db()

    response = lin.get(reverse("loans:repay-result", args=[loan.public_id, later.public_id]))

    totals = {name: D(later.split_now["totals"][name]) for name in ("penalty", "principal")}
    text = response.content.decode()
    assert figures(response, "split-penalty") == [D(later.split["totals"]["penalty"])]
    assert f"→ {totals['penalty']:,.2f}" in text
    assert f"→ {totals['principal']:,.2f}" in text


def test_the_desk_shows_it_too(client: Client, corrected: Correction) -> None:
    client.force_login(factories.staff(Rank.SUPERVISOR))
    payment = corrected.payment

    loan = client.get(reverse("admin:loans_loan_change", args=[corrected.loan.pk]))
    receipt = client.get(reverse("admin:loans_payment_change", args=[payment.pk]))

    assert figures(loan, "penalty-before") == [corrected.penalty_before]
    assert figures(loan, "penalty-after") == [corrected.penalty_after]
    assert "2026-03-01 的提前到期重新计算" in loan.content.decode()
    assert "未更正" in receipt.content.decode()


def test_the_desk_reverses_across_an_acceleration(corrected: Correction) -> None:
    bounce(corrected.payment)

    back = Correction.objects.exclude(pk=corrected.pk).get()
    assert (back.kind, back.penalty_after) == (Correction.Kind.REVERSAL, corrected.penalty_before)


def test_a_reversed_payment_is_a_correction_of_its_own(lin: Client, loan: Loan) -> None:
    payment = receive(loan, "300.00", "2026-02-20")
    reverse_payment(payment_id=payment.pk, reason="退票", actor=None, now=factories.NOW)

    response = lin.get(reverse("loans:statement", args=[loan.public_id]))

    before, after = figures(response, "penalty-before"), figures(response, "penalty-after")
    assert (before[0], after[0]) == (after[1], before[1])  # newest first: it takes the other back


REASON = "银行对账发现的到账"
LATE = {"amount": "300.00", "paid_on": "2026-02-20", "reference": "found", "reason": REASON}


def late_page(loan: Loan) -> str:
    return reverse("admin:loans_loan_propose", args=[loan.pk, "late-payment"])


def test_what_was_found_is_booked_by_two_and_once(loan: Loan) -> None:
    proposal = book(late_page(loan), LATE, Rank.SUPERVISOR)
    again = maker().post(late_page(loan), LATE)

    assert (proposal.made_by.username, again.status_code) == ("maker", 409)
    assert "流水号 found 的还款（2026-02-20，300.00 元）已经入账" in again.content.decode()
    payment = Payment.objects.get(loan=loan)
    assert (payment.amount, payment.paid_on) == (D("300.00"), day("2026-02-20"))
    assert Correction.objects.get().payment == payment


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"amount": ""}, 422, "金额：请填写多少"),
        ({"amount": "1e3"}, 422, "金额"),
        ({"paid_on": "yesterday"}, 422, "付款日：请按"),
        ({"reference": " "}, 422, "渠道流水号：请填写"),
        ({"paid_on": "2026-03-03"}, 409, "付款日不能晚于今天"),
        ({"amount": "99999.00"}, 409, "还款金额超过全部应还"),
    ],
)
def test_bad_input_is_a_sentence(loan: Loan, wrong: dict[str, str], status: int, said: str) -> None:
    refused = maker().post(late_page(loan), LATE | wrong)

    assert refused.status_code == status
    assert said in refused.content.decode()
    assert not Payment.objects.exists()


def test_a_reversed_reference_entered_again_is_not_called_done(loan: Loan) -> None:
    book(late_page(loan), LATE)
    reverse_payment(
        payment_id=Payment.objects.get().pk, reason="退票", actor=None, now=factories.NOW
    )

    refused = maker().post(late_page(loan), LATE)
    book(late_page(loan), LATE | {"reference": "found-2"})

    assert refused.status_code == 409
    assert "已冲正" in refused.content.decode()
    assert "found-2" in refused.content.decode()
    assert Payment.objects.filter(reversed_by=None).count() == 1


def test_a_reviewer_alone_books_nothing(loan: Loan) -> None:
    assert maker().post(late_page(loan), LATE).status_code == 302

    assert not Payment.objects.exists()
    assert (
        "提出人不能复核自己的操作"
        in maker()
        .get(reverse("admin:loans_proposal_change", args=[Proposal.objects.get().pk]))
        .content.decode()
    )
