"""The books at the staff desk: read by all staff, changed by acts that tell what they changed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from loans.models import Loan
from loans.queries.debt import load_debt
from loans.services.payments.payment import pay
from portal.core.kernel.roles import Rank
from tests import factories
from tests.loans.pages.marks import figures

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


@pytest.mark.parametrize("rank", [Rank.REVIEWER, Rank.AUDITOR])
def test_low_ranks_read_and_do_not_act(client: Client, loan: Loan, rank: Rank) -> None:
    desk(client, rank)

    assert client.get(reverse("admin:loans_loan_change", args=[loan.pk])).status_code == 200
    assert client.post(reverse("admin:loans_loan_accelerate", args=[loan.pk])).status_code == 403


def test_acceleration_needs_a_reason(client: Client, loan: Loan) -> None:
    address = reverse("admin:loans_loan_accelerate", args=[loan.pk])
    desk(client, Rank.SUPERVISOR)

    refused = client.post(address, {"reason": ""})
    done = client.post(address, {"reason": "连续三期未还，联系不上"})
    again = client.post(address, {"reason": "连续三期未还，联系不上"})

    assert (refused.status_code, done.status_code, again.status_code) == (422, 302, 409)
    assert Loan.objects.get(pk=loan.pk).accelerated_on == TODAY


def test_an_act_says_what_it_did_to_todays_debt(loan: Loan) -> None:
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
    boss = desk(Client(), Rank.SUPERVISOR)
    late = {"amount": "50.00", "paid_on": "2026-02-22", "reference": "found"}

    done = boss.post(reverse("admin:loans_loan_late_payment", args=[loan.pk]), late, follow=True)

    after = load_debt(loan, TODAY)
    assert f"总待还 {before.total:,.2f} → {after.total:,.2f}" in done.content.decode()


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

    assert client.get(reverse("admin:loans_loan_accelerate", args=[loan.pk])).status_code == 403


@pytest.mark.parametrize("model", ["loan", "payment", "entry", "schedule", "proposal"])
def test_lists_open(client: Client, loan: Loan, model: str) -> None:
    response = desk(client, Rank.AUDITOR).get(reverse(f"admin:loans_{model}_changelist"))

    assert response.status_code == 200
    assert loan.borrower.phone not in response.content.decode()
