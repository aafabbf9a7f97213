"""Staff log in twice: enrolled at the first login, asked at each, and nothing is reachable before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from portal.core import clock
from portal.core.accounts import factors
from portal.core.models import SecurityEvent, User
from tests import factories
from tests.authenticator import App, enrol, recovery_codes

pytestmark = pytest.mark.django_db
DESK, LOGIN = "/admin/", "/admin/login/"
ASK, ENROL = "/admin/login/factor/", "/admin/factor/enrol/"


@pytest.fixture
def staff() -> User:
    return factories.staff()


def with_password(client: Client, user: User, **more: str) -> Any:
    values = {"username": user.username, "password": factories.PASSWORD, **more}
    return client.post(LOGIN, values)


def enrolled(client: Client, user: User) -> tuple[App, list[str]]:
    """The first login of somebody, to the page of their recovery codes."""
    with_password(client, user)
    return enrol(client)


def test_the_first_login_enrols_and_comes_to_the_desk(client: Client, staff: User) -> None:
    assert with_password(client, staff, next="/admin/loans/loan/")["Location"] == ASK
    assert client.get(ASK)["Location"] == ENROL
    page = client.get(ENROL).content.decode()
    app = App.from_page(page)

    shown = client.post(ENROL, {"code": app.code()}).content.decode()

    assert "<svg" in page
    assert "style=" not in page
    assert len(recovery_codes(shown)) == 10
    assert 'href="/admin/loans/loan/"' in shown
    assert client.get("/admin/loans/loan/").status_code == 200


@pytest.mark.parametrize(
    "path", [DESK, "/admin/relief/case/", "/admin/factor/", "/me/", "/me/notices/"]
)
def test_nothing_is_reachable_between_password_and_factor(
    client: Client, staff: User, path: str
) -> None:
    with_password(client, staff)

    answer = client.get(path)

    assert answer.status_code == 302
    assert "/login/?next=" in answer["Location"]


def test_each_login_asks(client: Client, staff: User) -> None:
    app, _ = enrolled(client, staff)
    client.post("/admin/logout/")
    with_password(client, staff)
    asked = client.get(ASK).content.decode()

    wrong = client.post(ASK, {"code": app.wrong_code()})
    right = client.post(ASK, {"code": app.code()})

    assert staff.username in asked
    assert wrong.status_code == 422
    assert "动态码不正确或已用过" in wrong.content.decode()
    assert (right.status_code, right["Location"]) == (302, DESK)
    assert client.get(DESK).status_code == 200


def test_the_main_login_asks_as_well(client: Client, staff: User) -> None:
    values = {"by": "password", "phone": staff.username, "password": factories.PASSWORD}

    answer = client.post(reverse("portal:login"), {**values, "agree": "on"})

    assert answer["Location"] == ASK
    assert client.get(DESK).status_code == 302


def test_a_second_enrolment_needs_the_first_factor(client: Client, staff: User) -> None:
    enrolled(client, staff)
    thief = Client()
    with_password(thief, staff)

    assert thief.get(ENROL)["Location"] == ASK
    assert thief.post(ENROL, {"code": "123456"})["Location"] == ASK


def test_a_lost_device_is_replaced_with_a_recovery_code(client: Client, staff: User) -> None:
    lost, codes = enrolled(client, staff)
    thief = Client()
    with_password(thief, staff)
    thief.post(ASK, {"code": lost.code()})
    assert thief.get(DESK).status_code == 200
    client.post("/admin/logout/")
    with_password(client, staff)

    into = client.post(ASK, {"code": codes[0]}, follow=True).content.decode()
    app = App.from_page(client.get(ENROL).content.decode())
    client.post(ENROL, {"code": app.code(steps=-1)})

    assert "还剩 9 个" in into
    assert app.key != lost.key
    assert thief.get(DESK).status_code == 302
    client.post("/admin/logout/")
    with_password(client, staff)
    assert client.post(ASK, {"code": lost.code()}).status_code == 422
    assert client.post(ASK, {"code": codes[1]}).status_code == 422
    assert client.post(ASK, {"code": app.code()})["Location"] == DESK


def test_ten_minutes_later_the_password_is_asked_again(client: Client, staff: User) -> None:
    app, _ = enrolled(client, staff)
    client.post("/admin/logout/")
    with_password(client, staff)

    with time_machine.travel(clock.real_now() + timedelta(minutes=11)):
        late = client.post(ASK, {"code": app.code()}, follow=True)

    assert "登录已超时" in late.content.decode()
    assert client.get(DESK).status_code == 302


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "other"}])
def test_what_changes_meanwhile_ends_the_waiting(
    client: Client, staff: User, change: dict[str, Any]
) -> None:
    app, _ = enrolled(client, staff)
    client.post("/admin/logout/")
    with_password(client, staff)
    User.objects.filter(pk=staff.pk).update(**change)

    assert client.post(ASK, {"code": app.code()})["Location"] == LOGIN
    assert client.get(DESK).status_code == 302


def test_a_session_without_a_factor_ends(client: Client, staff: User) -> None:
    client.force_login(staff)
    session = client.session
    del session["factor_at"]
    session.save()

    assert client.get(DESK)["Location"].startswith(LOGIN)
    assert "_auth_user_id" not in client.session


def test_the_session_key_changes_with_the_factor(client: Client, staff: User) -> None:
    app, _ = enrolled(client, staff)
    client.post("/admin/logout/")
    with_password(client, staff)
    before = client.session.session_key

    client.post(ASK, {"code": app.code()})

    assert client.session.session_key != before


def test_the_codes_can_be_kept_as_a_file_only_when_they_are_ones_own(
    client: Client, staff: User
) -> None:
    _, codes = enrolled(client, staff)

    kept = client.post("/admin/factor/codes/file/", {"codes": " ".join(codes)})
    invented = client.post("/admin/factor/codes/file/", {"codes": "AAAA-AAAA-AAAA"})

    assert kept["Content-Disposition"].startswith("attachment")
    assert all(code in kept.content.decode() for code in codes)
    assert invented.status_code == 302


def test_new_codes_are_shown_once(client: Client, staff: User) -> None:
    _, old = enrolled(client, staff)

    page = client.post("/admin/factor/codes/").content.decode()
    after = client.get("/admin/factor/").content.decode()

    assert len(set(recovery_codes(page)) - set(old)) == 10
    assert recovery_codes(after) == []
    assert "剩余 10 个" in after


def test_the_trail_names_both_proofs(client: Client, staff: User) -> None:
    enrolled(client, staff)

    login = SecurityEvent.objects.get(kind="LOGIN")
    assert (login.user, login.detail) == (staff, "密码和验证器")


def test_the_demo_asks_only_when_it_is_told_to(client: Client, staff: User, settings: Any) -> None:
    settings.STAFF_FACTOR = False

    assert with_password(client, staff)["Location"] == DESK
    assert client.get(DESK).status_code == 200
    assert not factors.has_factor(staff)
