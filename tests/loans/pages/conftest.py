"""A borrower who is logged in, on a day on which three instalments are overdue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.test import Client

from loans.models import Loan
from portal.core import clock
from tests import factories


@pytest.fixture(autouse=True)
def now(db: None) -> Iterator[datetime]:
    with clock.frozen(factories.NOW):
        yield factories.NOW


@pytest.fixture
def loan() -> Loan:
    return factories.overdue_loan()


@pytest.fixture
def lin(loan: Loan, client: Client) -> Client:
    """The borrower's own browser."""
    client.force_login(loan.borrower)
    return client
