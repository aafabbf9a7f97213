"""Visitors of the account pages, and what stands in the outbox."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from portal.core.models import Delivery, User
from tests import factories

HTMX = {"HX-Request": "true"}
PHONE = "13800136027"


def headings(response: Any) -> int:
    """How many h1 the page has."""
    return len(re.findall(r"<h1[ >]", response.content.decode()))


def last_code() -> str:
    """The six digits of the message sent last."""
    found = re.search(r"验证码 (\d{6})", Delivery.objects.latest("pk").text)
    assert found
    return found[1]


@pytest.fixture
def lin(db: None) -> User:
    """A borrower with a phone and a password."""
    return factories.borrower(PHONE)


@pytest.fixture
def as_user(client: Client) -> Callable[[User], Client]:
    """The client, logged in as somebody."""

    def log_in(user: User) -> Client:
        client.force_login(user)
        return client

    return log_in
