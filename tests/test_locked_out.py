"""Strangers lock nobody out: limits by account and network, a device that is known, codes apart."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.accounts.codes import send_code
from portal.core.errors import RuleViolation
from portal.core.kernel.roles import Rank
from portal.core.models import User
from tests import factories
from tests.conftest import at

pytestmark = pytest.mark.django_db
PHONE = "13800136027"
HOME, CAFE = "203.0.113.9", "198.51.100.7"
NOW = at("2026-03-02 10:00")


@pytest.fixture
def lin() -> User:
    return factories.borrower(phone=PHONE)


def log_in(client: Client, ip: str, password: str = factories.PASSWORD) -> Any:
    values = {"by": "password", "phone": PHONE, "password": password, "agree": "on"}
    return client.post(reverse("portal:login"), values, REMOTE_ADDR=ip)


def at_the_desk(client: Client, ip: str, password: str = factories.PASSWORD) -> Any:
    values = {"username": "agent-2", "password": password}
    return client.post(reverse("admin:login"), values, REMOTE_ADDR=ip)


def test_wrong_passwords_of_another_network_refuse_nobody(lin: User) -> None:
    stranger = Client()
    for _ in range(6):
        refused = log_in(stranger, CAFE, "wrong-password")

    assert "密码错误次数过多" in refused.content.decode()
    assert log_in(Client(), HOME).status_code == 302
    assert log_in(Client(), CAFE).status_code == 422


def test_a_known_device_is_not_locked_by_its_own_network(lin: User) -> None:
    known, stranger = Client(), Client()
    assert log_in(known, CAFE).status_code == 302
    known.post(reverse("portal:logout"))
    for _ in range(6):
        log_in(stranger, CAFE, "wrong-password")

    assert log_in(stranger, CAFE).status_code == 422
    assert log_in(known, CAFE).status_code == 302


def test_a_known_device_has_five_tries_of_its_own(lin: User) -> None:
    known = Client()
    log_in(known, HOME)
    known.post(reverse("portal:logout"))
    for _ in range(5):
        log_in(known, HOME, "wrong-password")

    assert "密码错误次数过多" in log_in(known, HOME).content.decode()
    assert log_in(Client(), CAFE).status_code == 302


def test_a_forged_device_is_a_strange_one(lin: User) -> None:
    stranger = Client()
    stranger.cookies["device"] = f"WyJ{lin.pk}:1:forged"
    for _ in range(6):
        answer = log_in(stranger, CAFE, "wrong-password")

    assert answer.status_code == 422


def test_many_networks_slow_each_other_and_not_the_owner(lin: User) -> None:
    known = Client()
    log_in(known, HOME)
    known.post(reverse("portal:logout"))
    for number in range(50):
        log_in(Client(), f"192.0.2.{number}", "wrong-password")

    assert "密码错误次数过多" in log_in(Client(), "192.0.2.200").content.decode()
    assert log_in(known, HOME).status_code == 302


def test_the_desk_offers_no_code_that_it_lacks() -> None:
    factories.staff(Rank.REVIEWER, "agent-2")
    stranger = Client()
    for _ in range(6):
        refused = at_the_desk(stranger, CAFE, "wrong-password").content.decode()

    assert "密码错误次数过多" in refused
    assert "短信" not in refused
    assert at_the_desk(Client(), HOME).status_code == 302


def test_strangers_use_up_no_signing_code(lin: User) -> None:
    stranger = {"phone": PHONE, "purpose": "login", "session_key": "s", "ip": CAFE, "now": NOW}
    send_code(**stranger)  # type: ignore[arg-type]
    with pytest.raises(RuleViolation):
        send_code(**stranger)  # type: ignore[arg-type]

    send_code(phone=PHONE, purpose="accept:d", session_key="own", ip=HOME, now=NOW)

    with pytest.raises(RuleViolation):
        send_code(phone=PHONE, purpose="accept:d", session_key="own", ip=HOME, now=NOW)
