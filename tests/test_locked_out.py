"""Strangers lock nobody out: limits by account and network, a device that is known, codes apart."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from portal.core.accounts import codes
from portal.core.accounts.codes import send_code
from portal.core.errors import RuleViolation
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, Notice, Throttle, User
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

    assert "密码错误次数过多，请 60 秒后再试" in refused
    assert "短信" not in refused
    assert at_the_desk(Client(), HOME).status_code == 302


def test_the_desk_offers_no_code_to_a_phone_either(lin: User) -> None:
    values = {"username": PHONE, "password": "wrong-password"}
    for _ in range(6):
        refused = Client().post(reverse("admin:login"), values, REMOTE_ADDR=CAFE).content.decode()

    assert "密码错误次数过多，请 60 秒后再试" in refused
    assert "短信" not in refused


def test_strangers_use_up_no_signing_code(lin: User) -> None:
    stranger = {"phone": PHONE, "purpose": "login", "session_key": "s", "ip": CAFE, "now": NOW}
    send_code(**stranger)  # type: ignore[arg-type]
    with pytest.raises(RuleViolation):
        send_code(**stranger)  # type: ignore[arg-type]

    send_code(phone=PHONE, purpose="accept:d", session_key="own", ip=HOME, now=NOW)

    with pytest.raises(RuleViolation):
        send_code(phone=PHONE, purpose="accept:d", session_key="own", ip=HOME, now=NOW)


# --- codes -----------------------------------------------------------------------------------------


def ask_code(client: Client, ip: str, phone: str = PHONE) -> Any:
    return client.post(reverse("portal:login-code"), {"phone": phone}, REMOTE_ADDR=ip)


def test_strangers_use_up_no_code_of_a_known_device(lin: User) -> None:
    known = Client()
    log_in(known, HOME)
    known.post(reverse("portal:logout"))
    with time_machine.travel(NOW, tick=False) as machine:
        for minute in range(6):
            machine.move_to(NOW + timedelta(minutes=2 * minute))
            refused = ask_code(Client(), CAFE)
        assert "获取验证码过于频繁，请约 50 分钟后再试" in refused.content.decode()

        assert ask_code(known, CAFE).status_code == 200
        assert "请 60 秒后再试" in ask_code(known, CAFE).content.decode()


def test_strangers_of_one_network_use_up_no_code_of_a_known_device_there(lin: User) -> None:
    known = Client()
    log_in(known, CAFE)
    known.post(reverse("portal:logout"))
    for number in range(21):
        refused = ask_code(Client(), CAFE, f"139000000{number:02}")
    assert refused.status_code == 422

    assert ask_code(known, CAFE).status_code == 200


def test_a_code_that_was_used_counts_against_no_network() -> None:
    """Forty people of one office, each by a code of their own, are no attack."""
    for number in range(40):
        phone = f"139000000{number:02}"
        person, visitor = factories.borrower(phone=phone), Client()
        assert ask_code(visitor, CAFE, phone).status_code == 200
        digits = re.search(r"\d{6}", Delivery.objects.get(to=phone).text)
        assert digits
        values = {"by": "code", "phone": phone, "code": digits[0], "agree": "on"}
        # used at home: what was counted at the café is taken back there
        assert visitor.post(reverse("portal:login"), values, REMOTE_ADDR=HOME).status_code == 302
        assert visitor.session["_auth_user_id"] == str(person.pk)

    assert not Throttle.objects.filter(scope=codes.NETWORK).exists()


# --- the owner is told ------------------------------------------------------------------------------


def told(user: User) -> list[str]:
    return list(Notice.objects.filter(user=user).order_by("pk").values_list("title", flat=True))


def test_the_owner_is_told_of_wrong_passwords_once_a_day(lin: User) -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        for _ in range(4):
            log_in(Client(), CAFE, "wrong-password")
        assert told(lin) == []
        for network in (CAFE, "192.0.2.7"):
            for _ in range(6):
                log_in(Client(), network, "wrong-password")
        assert told(lin) == ["有人多次尝试登录你的账户"]
        sms = Delivery.objects.get(user=lin)
        assert "有人多次尝试登录您的账户" in sms.text
        assert sms.mandatory

        machine.shift(timedelta(days=1))
        for _ in range(5):
            log_in(Client(), CAFE, "wrong-password")

    assert len(told(lin)) == 2


def test_the_owner_is_told_of_codes_and_passwords_apart(lin: User) -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        for minute in range(5):
            machine.move_to(NOW + timedelta(minutes=2 * minute))
            ask_code(Client(), CAFE)
        assert "获取验证码" in Notice.objects.get(user=lin).body
        for _ in range(5):
            log_in(Client(), CAFE, "wrong-password")

    assert len(told(lin)) == 2


def test_the_owner_is_told_of_a_code_that_somebody_guesses_at(lin: User) -> None:
    stranger = Client()
    ask_code(stranger, CAFE)
    values = {"by": "code", "phone": PHONE, "code": "not it", "agree": "on"}
    right = re.search(r"\d{6}", Delivery.objects.get(to=PHONE).text)
    assert right
    values["code"] = f"{(int(right[0]) + 1) % 10**6:06d}"
    for _ in range(5):
        stranger.post(reverse("portal:login"), values, REMOTE_ADDR=CAFE)

    assert told(lin) == ["有人多次尝试登录你的账户"]


def test_staff_are_told_too_and_read_it_at_their_desk() -> None:
    agent = factories.staff(Rank.REVIEWER, "agent-2")
    for _ in range(5):
        at_the_desk(Client(), CAFE, "wrong-password")

    assert told(agent) == ["有人多次尝试登录你的账户"]
    client = Client()
    client.force_login(agent)
    assert (
        "有人多次尝试登录你的账户"
        in client.get(reverse("admin:portal_notice_changelist")).content.decode()
    )


def test_nobody_is_told_of_an_account_that_is_not_there() -> None:
    for _ in range(6):
        log_in(Client(), CAFE, "wrong-password")

    assert not Notice.objects.exists()
