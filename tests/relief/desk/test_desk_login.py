"""The desk's own login: throttled in the database; rank and activity count from the next request on."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from portal.core.kernel.roles import Rank
from portal.core.models import Throttle, User
from tests import factories
from tests.relief.desk.desk import act, client_of, page_of

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"


def try_in(client: Client, username: str, password: str = factories.PASSWORD, **more: str) -> Any:
    return client.post(LOGIN, {"username": username, "password": password, **more})


def test_the_right_password_leads_to_the_second_factor(client: Client) -> None:
    user = factories.staff()

    answer = try_in(client, user.username, next="/admin/")

    assert (answer.status_code, answer["Location"]) == (302, "/admin/login/factor/")
    assert Throttle.objects.filter(scope="login-account").count() == 0


def test_after_five_wrong_ones_even_the_right_password_waits(client: Client) -> None:
    user = factories.staff()
    told = [try_in(client, user.username, "wrong-one").content.decode() for _ in range(5)]

    sixth = try_in(client, user.username).content.decode()

    assert "账号或密码不正确，还可以试 4 次" in told[0]
    assert "账号或密码不正确，请 60 秒后再试" in told[4]
    assert "密码错误次数过多，请 60 秒后再试" in sixth
    assert client.get("/admin/").status_code == 302


def test_unknown_and_wrong_read_the_same(client: Client) -> None:
    user = factories.staff()

    wrong = try_in(client, user.username, "wrong-one").content.decode()
    unknown = try_in(client, "nobody-here", "wrong-one").content.decode()

    for text in (wrong, unknown):
        assert "账号或密码不正确，还可以试 4 次" in text


@pytest.mark.parametrize(
    ("username", "password", "sentence"),
    [
        ("", "x", "请填写用户名"),
        ("agent", "", "请填写密码"),
        ("1", "x", "账号或密码不正确"),
        ("a" * 200, "x", "用户名过长"),
        ("agent", "x" * 200, "密码最多 128 位"),
    ],
)
def test_bad_input_is_a_sentence(
    client: Client, username: str, password: str, sentence: str
) -> None:
    answer = try_in(client, username, password)

    assert answer.status_code == 200
    assert sentence in answer.content.decode()


def test_borrowers_do_not_get_in(client: Client) -> None:
    person = factories.borrower()

    answer = try_in(client, person.phone or "")

    assert "不是工作人员账户" in answer.content.decode()
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"rank": Rank.AUDITOR}, {"rank": Rank.MANAGER}]
)
def test_session_ends_when_activity_or_rank_change(change: dict[str, Any], frozen: Any) -> None:
    case = factories.case_at(factories.State.IN_REVIEW)
    user = factories.staff()
    client = client_of(user)
    assert client.get(page_of(case)).status_code == 200

    User.objects.filter(pk=user.pk).update(**change)

    assert client.get(page_of(case))["Location"].startswith(LOGIN)
    assert act(client, case, "pass")["Location"].startswith(LOGIN)
    case.refresh_from_db()
    assert case.state == factories.State.IN_REVIEW
