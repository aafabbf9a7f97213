"""Whose loan it is: a stranger's is 404, staff get 403, the anonymous go to login."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from loans.models import Loan
from tests import factories

NAMES = (
    *("detail", "calendar", "statement", "statement-csv", "statement-xlsx", "statement-pdf"),
    *(
        "penalty",
        "penalty-csv",
        "penalty-xlsx",
        "penalty-pdf",
        "repay",
        "settled",
        "certificate-pdf",
    ),
)


@pytest.mark.parametrize("name", NAMES)
def test_stranger_gets_404(loan: Loan, client: Client, name: str) -> None:
    client.force_login(factories.borrower())

    assert client.get(reverse(f"loans:{name}", args=[loan.public_id])).status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_staff_get_403(loan: Loan, client: Client, name: str) -> None:
    client.force_login(factories.staff())

    assert client.get(reverse(f"loans:{name}", args=[loan.public_id])).status_code == 403


@pytest.mark.parametrize("name", NAMES)
def test_anonymous_goes_to_login(loan: Loan, client: Client, name: str) -> None:
    response = client.get(reverse(f"loans:{name}", args=[loan.public_id]))

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("portal:login"))


def test_stranger_cannot_pay(loan: Loan, client: Client, settings: object) -> None:
    settings.PAYMENT_SIMULATION = True  # type: ignore[attr-defined]
    client.force_login(factories.borrower())
    form = {"scope": "custom", "amount": "10.00", "token": "a" * 16}

    response = client.post(reverse("loans:repay", args=[loan.public_id]), form)

    assert response.status_code == 404
    assert loan.payments.count() == 0
