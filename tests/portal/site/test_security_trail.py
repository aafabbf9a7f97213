"""Logins, failures, ends of sessions and new passwords leave a line with address and device."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, SecurityEvent, User
from portal.core.models.append_only import AppendOnlyError
from tests.authenticator import enrol
from tests.portal.people import lin, wen

pytestmark = pytest.mark.django_db
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"
FROM = {"HTTP_USER_AGENT": CHROME, "REMOTE_ADDR": "203.0.113.9"}
PASSWORD = "mima-12345"
Line = tuple[str, User | None, str]


def lines() -> list[Line]:
    """(kind, whose, detail) of all lines, each proven to say from where."""
    rows = list(SecurityEvent.objects.order_by("pk").select_related("user"))
    assert {(row.address, row.device) for row in rows} <= {("203.0.113.9", "Chrome · Windows")}
    return [(row.kind, row.user, row.detail) for row in rows]


def log_in(client: Client, account: str, password: str = PASSWORD) -> None:
    form = {"by": "password", "phone": account, "password": password, "agree": "on"}
    client.post(reverse("portal:login"), form)


def code_for(client: Client, purpose: str) -> str:
    """Ask for a code on the page of `purpose`, and read it off the outbox."""
    client.post(reverse(f"portal:{purpose}-code"), {"phone": "13800000001"})
    found = re.search(r"验证码 (\d{6})", Delivery.objects.latest("pk").text)
    assert found
    return found[1]


def test_password_login_its_failures_and_the_way_out() -> None:
    user, client = lin(), Client(**FROM)

    log_in(client, "13800000001", "wrong-one")
    log_in(client, "13999999999", "wrong-one")
    log_in(client, "13800000001")
    client.post(reverse("portal:logout"))
    client.post(reverse("portal:logout"))

    assert lines() == [
        ("LOGIN_FAILED", user, "密码"),
        ("LOGIN_FAILED", None, "密码"),
        ("LOGIN", user, "密码"),
        ("LOGOUT", user, ""),
    ]


def test_code_login_and_only_codes_that_were_judged_are_failures() -> None:
    user, client = lin(), Client(**FROM)
    form = {"by": "code", "phone": "13800000001", "agree": "on"}

    client.post(reverse("portal:login"), {**form, "code": "123456"})
    assert lines() == []

    code = code_for(client, "login")
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    client.post(reverse("portal:login"), {**form, "code": wrong})
    client.post(reverse("portal:login"), {**form, "code": code})

    assert lines() == [("LOGIN_FAILED", user, "短信验证码"), ("LOGIN", user, "短信验证码")]


def test_registering_is_followed_by_a_login() -> None:
    client = Client(**FROM)
    form = {"phone": "13800000001", "name": "林小云", "password": "yun-2026-lin", "agree": "on"}

    client.post(reverse("portal:register"), {**form, "code": code_for(client, "register")})

    user = User.objects.get()
    assert lines() == [("REGISTERED", user, ""), ("LOGIN", user, "短信验证码")]


def test_new_passwords_are_events_of_the_account() -> None:
    user, client = lin(), Client(**FROM)
    log_in(client, "13800000001")
    change = {"current": "wrong-one", "password": "yun-2026-lin"}

    client.post(reverse("portal:change-password"), change)
    client.post(reverse("portal:change-password"), {**change, "current": PASSWORD})
    client.post(reverse("portal:logout"))
    reset = {"phone": "13800000001", "code": code_for(client, "reset"), "password": "yun-2027-lin"}
    client.post(reverse("portal:reset"), reset)

    assert lines()[1:] == [
        ("PASSWORD_REFUSED", user, ""),
        ("PASSWORD_CHANGED", user, ""),
        ("LOGOUT", user, ""),
        ("PASSWORD_RESET", user, ""),
        ("LOGIN", user, "短信验证码（重置密码）"),
    ]


def test_desk_has_the_same_events() -> None:
    borrower, staff, client = lin(), wen(), Client(**FROM)
    login = reverse("admin:login")

    client.post(login, {"username": "wen-reviewer", "password": "wrong-one"})
    client.post(login, {"username": "13800000001", "password": PASSWORD})
    client.post(login, {"username": "wen-reviewer", "password": PASSWORD})
    enrol(client)
    new = {"new_password1": "wen-2026-ming", "new_password2": "wen-2026-ming"}
    client.post(reverse("admin:password_change"), {"old_password": PASSWORD, **new})
    client.post(reverse("admin:logout"))

    assert lines() == [
        ("LOGIN_FAILED", staff, "密码"),
        ("LOGIN_FAILED", borrower, "不是工作人员账户"),
        ("FACTOR_ENROLLED", staff, ""),
        ("RECOVERY_CODES_MADE", staff, ""),
        ("LOGIN", staff, "密码和验证器"),
        ("PASSWORD_CHANGED", staff, ""),
        ("LOGOUT", staff, ""),
    ]


def test_staff_read_their_own_lines_and_auditors_all() -> None:
    lin()
    for rank in Rank:
        wen(rank)
    for account in ("13800000001", "wen-reviewer", "wen-manager", "wen-auditor"):
        log_in(Client(**FROM), account, "wrong-one")

    seen = {}
    for rank in Rank:
        client = Client(**FROM)
        client.force_login(User.objects.get(username=f"wen-{rank.lower()}"))
        page = client.get(reverse("admin:portal_securityevent_changelist"))
        seen[rank] = {row.user.username for row in page.context["cl"].result_list}

    everybody = {"13800000001", "wen-reviewer", "wen-manager", "wen-auditor"}
    assert seen == {
        Rank.REVIEWER: {"wen-reviewer"},
        Rank.SUPERVISOR: set(),
        Rank.MANAGER: {"wen-manager"},
        Rank.AUDITOR: everybody,
    }


def test_nobody_rewrites_a_line() -> None:
    log_in(Client(**FROM), lin().username)
    row = SecurityEvent.objects.get()
    for rewrite in (row.save, row.delete, SecurityEvent.objects.all().delete):
        with pytest.raises(AppendOnlyError):
            rewrite()
    with pytest.raises(AppendOnlyError):
        SecurityEvent.objects.update(detail="")
