"""A borrower who is logged in, on a working day on which three instalments are overdue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from django.test import Client

from loans.models import Loan
from portal.core import clock
from relief.cases.models import Case
from tests import factories


@pytest.fixture
def now(db: None) -> Iterator[datetime]:
    with clock.frozen(factories.NOW):
        yield factories.NOW


@pytest.fixture
def loan(now: datetime) -> Loan:
    return factories.overdue_loan()


@pytest.fixture
def case(loan: Loan) -> Case:
    """A draft of that loan, with one file."""
    return factories.draft_case(loan)


@pytest.fixture
def lin(loan: Loan, client: Client) -> Client:
    """The borrower's own browser."""
    client.force_login(loan.borrower)
    return client
