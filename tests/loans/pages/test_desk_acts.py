"""The books at the staff desk: read by all staff, changed by acts that tell what they changed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from loans.desk.proposals import LOAN_ACTS
from loans.models import Loan, Proposal
from loans.queries.debt import load_debt
from loans.services.payments.payment import pay
from portal.core.kernel.roles import Rank
from portal.core.models import Notice
from tests import factories
from tests.loans.pages.marks import figures
from tests.two_people import book, decide, maker

TODAY = date(2026, 3, 2)


def desk(client: Client, rank: Rank) -> Client:
    client.force_login(factories.staff(rank))
    return client


def test_loan_is_read_only_for_staff(client: Client, loan: Loan) -> None:
    address = reverse("admin:loans_loan_change", args=[loan.pk])

    response = desk(client, Rank.MANAGER).get(address)

    text = response.content.decode()
    assert figures(response, "penalty-total") == [load_debt(loan, TODAY).penalty]
    assert loan.borrower.phone not in text
    assert client.post(address, {"principal": "1"}).status_code == 403
    assert client.get(reverse("admin:loans_loan_add")).status_code == 403


REASON = {"reason": "连续三期未还，联系不上"}


def act_on(loan: Loan, slug: str) -> str:
    return reverse("admin:loans_loan_propose", args=[loan.pk, slug])


def test_an_auditor_reads_and_does_not_act(client: Client, loan: Loan) -> None:
    desk(client, Rank.AUDITOR)

    shown = client.get(reverse("admin:loans_loan_change", args=[loan.pk]))

    assert shown.status_code == 200
    for slug, act in LOAN_ACTS.items():
        assert client.get(act_on(loan, slug)).status_code == 403
        assert act.kind.label not in shown.content.decode()


def test_acceleration_takes_a_reason_and_two_people(loan: Loan) -> None:
    address = act_on(loan, "acceleration")

    refused = maker().post(address, {"reason": ""})
    proposal = book(address, REASON)  # all of 6,000.00 falls due: a manager's
    again = maker().post(address, REASON)

    assert (refused.status_code, again.status_code) == (422, 409)
    assert "已经宣布提前到期" in again.content.decode()
    assert (proposal.needs_rank, proposal.amount) == ("MANAGER", load_debt(loan, TODAY).principal)
    assert Loan.objects.get(pk=loan.pk).accelerated_on == TODAY
    assert Notice.objects.filter(event="loan_accelerated").count() == 1


def test_a_proposal_says_what_it_will_do_to_todays_debt(loan: Loan) -> None:
    for on in (date(2026, 2, 20), date(2026, 2, 25)):
        pay(
            loan_id=loan.pk,
            amount=Decimal("700.00"),
            paid_on=on,
            reference=f"{on}",
            actor=None,
            now=factories.NOW,
        )
    before = load_debt(loan, TODAY)
    late = {"amount": "50.00", "paid_on": "2026-02-22", "reference": "found", **REASON}

    proposed = maker().post(act_on(loan, "late-payment"), late, follow=True)

    assert load_debt(loan, TODAY) == before
    decide(Proposal.objects.get(), "approve", desk(Client(), Rank.SUPERVISOR))
    after = load_debt(loan, TODAY)
    assert f"总待还 {before.total:,.2f} → {after.total:,.2f}" in proposed.content.decode()


def test_no_act_is_offered_to_whom_it_is_refused(client: Client, loan: Loan) -> None:
    payment = pay(
        loan_id=loan.pk,
        amount=Decimal("100.00"),
        paid_on=TODAY,
        reference="r",
        actor=None,
        now=factories.NOW,
    )
    address = reverse("admin:loans_payment_change", args=[payment.pk])

    assert "冲正还款" not in desk(client, Rank.AUDITOR).get(address).content.decode()
    assert "冲正还款" in desk(client, Rank.REVIEWER).get(address).content.decode()


def test_nobody_acts_on_a_loan_of_their_own(client: Client, loan: Loan) -> None:
    boss = factories.staff(Rank.MANAGER, "boss", same_person_as=loan.borrower)
    client.force_login(boss)

    for slug in LOAN_ACTS:
        assert client.get(act_on(loan, slug)).status_code == 403


@pytest.mark.parametrize("model", ["loan", "payment", "entry", "schedule", "proposal"])
def test_lists_open(client: Client, loan: Loan, model: str) -> None:
    response = desk(client, Rank.AUDITOR).get(reverse(f"admin:loans_{model}_changelist"))

    assert response.status_code == 200
    assert loan.borrower.phone not in response.content.decode()
