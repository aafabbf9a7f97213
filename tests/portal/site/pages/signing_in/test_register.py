"""注册, 忘记密码 and 修改密码."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.models import User
from tests import factories
from tests.portal.site.pages.conftest import HTMX, PHONE, headings, last_code

pytestmark = pytest.mark.django_db
REGISTER, RESET = reverse("portal:register"), reverse("portal:reset")
CHANGE = reverse("portal:change-password")
NEW = "a-new-pass-2026"


def filled(**changes: str) -> dict[str, str]:
    values = {"phone": PHONE, "code": "000000", "name": "林晓云", "password": NEW, "agree": "on"}
    return values | changes


def test_registering_makes_a_borrower_and_logs_in(client: Client) -> None:
    assert headings(client.get(REGISTER)) == 1
    client.post(reverse("portal:register-code"), {"phone": PHONE})

    answer = client.post(REGISTER, filled(code=last_code()))

    user = User.objects.get(phone=PHONE)
    assert answer["Location"] == reverse("portal:me")
    assert user.is_borrower
    assert client.session["_auth_user_id"] == str(user.pk)
    assert client.get(reverse("portal:me")).status_code == 200


def test_code_for_registering_keeps_the_typed_name(client: Client) -> None:
    page = client.post(reverse("portal:register-code"), filled(code="")).content.decode()

    assert 'value="林晓云"' in page
    assert "请填写" not in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"phone": "12345"}, "手机号不正确"),
        ({"code": "12"}, "验证码应为 6 位数字"),
        ({"code": "000000"}, "验证码已失效"),
        ({"name": ""}, "请填写姓名"),
        ({"name": "<script>alert(1)</script>"}, "姓名只能有"),
        ({"name": "林" * 5000}, "2 到 30 个字"),
        ({"password": "12345678"}, "密码"),
        ({"password": ""}, "请填写登录密码"),
        ({"password": "x" * 20000}, "128"),
        ({"agree": ""}, "请先阅读并勾选同意"),
    ],
)
def test_bad_input_gets_a_sentence_and_keeps_the_rest(
    client: Client, changes: dict[str, str], sentence: str
) -> None:
    answer = client.post(REGISTER, filled(**changes))

    text = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in text
    assert "<script>alert" not in text
    if "phone" not in changes:
        assert f'value="{PHONE}"' in text
    assert not User.objects.exists()


def test_a_registered_phone_is_told_to_log_in(client: Client, lin: User) -> None:
    client.post(reverse("portal:register-code"), {"phone": PHONE})

    answer = client.post(REGISTER, filled(code=last_code()), headers=HTMX)

    assert answer.status_code == 422
    assert "这个手机号已经注册过了，请直接登录" in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_forgotten_password_is_set_by_a_code_and_ends_other_sessions(lin: User) -> None:
    elsewhere, here = Client(), Client()
    elsewhere.force_login(lin)
    assert headings(here.get(RESET)) == 1
    here.post(reverse("portal:reset-code"), {"phone": PHONE})

    answer = here.post(RESET, {"phone": PHONE, "code": last_code(), "password": NEW})

    lin.refresh_from_db()
    assert answer["Location"] == reverse("portal:me")
    assert lin.check_password(NEW)
    assert elsewhere.get(reverse("portal:me")).status_code == 302


def test_reset_needs_its_own_code(client: Client, lin: User) -> None:
    client.post(reverse("portal:login-code"), {"phone": PHONE})

    answer = client.post(RESET, {"phone": PHONE, "code": last_code(), "password": NEW})

    lin.refresh_from_db()
    assert answer.status_code == 422
    assert lin.check_password(factories.PASSWORD)


def test_reset_of_an_unknown_phone_is_told_only_to_its_owner(client: Client) -> None:
    sent = client.post(reverse("portal:reset-code"), {"phone": PHONE})
    assert "验证码已发送至" in sent.content.decode()

    answer = client.post(RESET, {"phone": PHONE, "code": last_code(), "password": NEW})

    assert "还没有注册" in answer.content.decode()


def test_changing_the_password_keeps_this_session(client: Client, lin: User) -> None:
    client.force_login(lin)
    assert headings(client.get(CHANGE)) == 1

    answer = client.post(CHANGE, {"current": factories.PASSWORD, "password": NEW})

    assert answer["Location"] == reverse("portal:settings")
    assert "密码已修改" in client.get(reverse("portal:settings")).content.decode()


@pytest.mark.parametrize(
    ("current", "password", "sentence"),
    [
        ("wrong", NEW, "当前密码不正确"),
        (factories.PASSWORD, "123", "密码"),
        ("", "", "请填写当前密码"),
    ],
)
def test_password_stays_when_something_is_wrong(
    client: Client, lin: User, current: str, password: str, sentence: str
) -> None:
    client.force_login(lin)

    answer = client.post(CHANGE, {"current": current, "password": password}, headers=HTMX)

    lin.refresh_from_db()
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert lin.check_password(factories.PASSWORD)


def test_guessing_the_present_password_is_stopped(client: Client, lin: User) -> None:
    client.force_login(lin)
    for _ in range(5):
        client.post(CHANGE, {"current": "wrong", "password": NEW})

    answer = client.post(CHANGE, {"current": factories.PASSWORD, "password": NEW})

    assert "当前密码错误次数过多，请 60 秒后再试" in answer.content.decode()
