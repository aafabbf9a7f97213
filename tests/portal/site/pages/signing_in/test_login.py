"""登录 and 退出: by message, by password, with HTMX and without, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from portal.core.models import Delivery, User
from tests import factories
from tests.authenticator import enrol
from tests.portal.site.pages.conftest import HTMX, PHONE, headings, last_code

pytestmark = pytest.mark.django_db
LOGIN = reverse("portal:login")
SEND = reverse("portal:login-code")


def by_password(client: Client, phone: str = PHONE, **more: object) -> Any:
    values = {"by": "password", "phone": phone, "password": factories.PASSWORD, "agree": "on"}
    return client.post(LOGIN, values | more)


def test_front_leads_to_login_and_then_home(client: Client, lin: User) -> None:
    assert client.get("/")["Location"] == LOGIN

    client.force_login(lin)

    assert client.get("/")["Location"] == reverse("portal:me")


@pytest.mark.parametrize("by", ["code", "password"])
def test_page_has_one_heading_and_its_tab(client: Client, by: str) -> None:
    page = client.get(LOGIN, {"by": by})

    assert page.status_code == 200
    assert headings(page) == 1
    assert f'name="by" value="{by}"' in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_tab_with_htmx_is_the_form_alone(client: Client) -> None:
    part = client.get(LOGIN, {"by": "password"}, headers=HTMX).content.decode()

    assert part.lstrip().startswith('<div id="login-form">')
    assert "<html" not in part


def test_code_comes_by_message_and_logs_in(client: Client, lin: User) -> None:
    sent = client.post(SEND, {"by": "code", "phone": "138 0013 6027", "agree": "on"})
    text = sent.content.decode()
    assert sent.status_code == 200
    assert "验证码已发送至" in text
    assert "138****6027" in text
    assert "checked" in text

    before = client.session.session_key
    values = {"by": "code", "phone": PHONE, "code": last_code(), "agree": "on"}
    answer = client.post(LOGIN, values)

    assert answer["Location"] == reverse("portal:me")
    assert client.session["_auth_user_id"] == str(lin.pk)
    assert client.session.session_key != before


def test_code_with_htmx_swaps_the_code_block(client: Client) -> None:
    sent = client.post(SEND, {"by": "code", "phone": PHONE}, headers=HTMX)

    text = sent.content.decode()
    assert text.lstrip().startswith('<div id="code-block">')
    assert "秒后可重发" in text
    assert 'hx-trigger="load delay:' in text


def test_second_code_within_a_minute_is_refused_in_words(client: Client) -> None:
    client.post(SEND, {"phone": PHONE})

    again = client.post(SEND, {"phone": PHONE})

    assert again.status_code == 422
    assert "获取验证码过于频繁" in again.content.decode()
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("phone", ["", "123", "021-5555", "abc", "1" * 50, "'; drop--"])
def test_wrong_phone_gets_a_sentence_and_no_message(client: Client, phone: str) -> None:
    answer = client.post(SEND, {"phone": phone, "agree": "on"})

    text = answer.content.decode()
    assert answer.status_code == 422
    assert "手机号" in text
    assert 'aria-invalid="true"' in text
    assert "请先阅读" not in text
    assert Delivery.objects.count() == 0


def test_code_button_alone_for_htmx_and_the_page_without(client: Client) -> None:
    assert "获取验证码" in client.get(SEND, headers=HTMX).content.decode()
    assert client.get(SEND)["Location"] == LOGIN


def test_wrong_code_keeps_what_was_typed(client: Client, lin: User) -> None:
    client.post(SEND, {"phone": PHONE})
    wrong = f"{(int(last_code()) + 1) % 10**6:06d}"

    answer = client.post(LOGIN, {"by": "code", "phone": PHONE, "code": wrong, "agree": "on"})

    text = answer.content.decode()
    assert answer.status_code == 422
    assert "验证码不正确" in text
    assert f'value="{wrong}"' in text
    assert f'value="{PHONE}"' in text
    assert "checked" in text


def test_code_of_one_session_is_worth_nothing_in_another(client: Client, lin: User) -> None:
    client.post(SEND, {"phone": PHONE})

    other = Client().post(LOGIN, {"phone": PHONE, "code": last_code(), "agree": "on"})

    assert other.status_code == 422


def test_password_logs_in_with_htmx_and_without(client: Client, lin: User) -> None:
    assert by_password(client)["Location"] == reverse("portal:me")

    values = {"by": "password", "phone": PHONE, "password": factories.PASSWORD, "agree": "on"}
    answer = Client().post(LOGIN, values, headers=HTMX)

    assert answer["HX-Redirect"] == reverse("portal:me")


def test_unknown_phone_and_wrong_password_read_alike(client: Client, lin: User) -> None:
    wrong = by_password(client, password="not-the-password").content.decode()
    unknown = by_password(client, phone="13900000000", password="x").content.decode()

    for text in (wrong, unknown):
        assert "登录没有成功" in text
        assert "账号或密码不正确，还可以试 4 次" in text


def test_after_the_fifth_wrong_password_one_waits_and_is_told_how_long(
    client: Client, lin: User
) -> None:
    for _ in range(5):
        by_password(client, password="not-the-password")

    answer = by_password(client)

    assert answer.status_code == 422
    assert "密码错误次数过多，请 60 秒后再试，或用短信验证码登录" in answer.content.decode()


def test_missing_tick_is_said_at_the_tick(client: Client, lin: User) -> None:
    answer = by_password(client, agree="")

    assert answer.status_code == 422
    assert "请先阅读并勾选同意" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_staff_go_to_their_desk(client: Client) -> None:
    factories.staff(username="agent")

    answer = by_password(client, "agent", next=reverse("portal:notices"))

    assert answer["Location"] == reverse("admin:factor-login")
    enrol(client)
    assert client.get(reverse("portal:login"))["Location"] == reverse("admin:index")


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/\tevil.example",
        "/ok\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "\\\\evil.example",
        "/%09/../\\evil",
        "http:evil.example",
        "me/",
        "/admin/",
    ],
)
def test_next_that_is_no_path_of_ours_is_ignored(client: Client, lin: User, wanted: str) -> None:
    assert by_password(client, next=wanted)["Location"] == reverse("portal:me")


def test_next_that_is_ours_is_kept(client: Client, lin: User) -> None:
    page = client.get(LOGIN, {"next": "/me/notices/?kind=relief"}).content.decode()
    assert 'name="next" value="/me/notices/?kind=relief"' in page

    answer = by_password(client, next="/me/notices/?kind=relief")

    assert answer["Location"] == "/me/notices/?kind=relief"


def test_somebody_logged_in_needs_no_login(client: Client, lin: User) -> None:
    client.force_login(lin)

    assert client.get(LOGIN)["Location"] == reverse("portal:me")
    assert client.get(reverse("portal:register"))["Location"] == reverse("portal:me")


def test_logout_is_a_post_that_clears_the_browser(client: Client, lin: User) -> None:
    client.force_login(lin)
    assert client.get(reverse("portal:logout")).status_code == 405

    answer = client.post(reverse("portal:logout"))

    assert answer["Location"] == LOGIN
    assert answer["Clear-Site-Data"] == '"cache", "storage"'
    assert "_auth_user_id" not in client.session


def test_forms_without_token_are_refused(lin: User) -> None:
    strict = Client(enforce_csrf_checks=True)

    for name in ("login", "login-code", "register", "reset", "logout", "verify"):
        assert strict.post(reverse(f"portal:{name}"), {}).status_code == 403


def test_cast_is_shown_in_the_demo_only(client: Client, settings: Any) -> None:
    assert "演示角色" not in client.get(LOGIN).content.decode()

    settings.DEMO = True

    assert "13800000003" in client.get(LOGIN).content.decode()


def test_login_address_is_the_one_of_the_settings() -> None:
    assert reverse(settings.LOGIN_URL) == "/login/"
