"""核验 and the explaining pages: open to all, and silent about whose anything is."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.documents.papers import issue, revoke
from portal.core.models import Delivery, User
from tests import factories
from tests.portal.site.pages.conftest import HTMX, headings

pytestmark = pytest.mark.django_db
VERIFY = reverse("portal:verify")


def ask(client: Client, code: str | None, **more: Any) -> str:
    return client.post(VERIFY, {"code": code}, **more).content.decode()


def test_paper_is_known_by_its_code_without_its_owner(client: Client, lin: User) -> None:
    paper = issue(
        kind="certificate",
        number="JQ20260302-0001",
        user=lin,
        title="结清证明",
        snapshot={"name": lin.name},
        text=f"{lin.name} 已结清",
        now=factories.NOW,
    )

    text = ask(client, f"【\u202d{paper.code[:5].lower()}–{paper.code[5:]}\u202c】")

    assert "核验通过" in text
    assert paper.number in text
    assert paper.digest in text
    assert lin.name not in text
    assert lin.masked_name not in text


def test_void_paper_is_called_void(client: Client, lin: User) -> None:
    paper = issue(
        kind="certificate",
        number="JQ20260302-0002",
        user=lin,
        about="loan:abc",
        title="结清证明",
        snapshot={"name": lin.name},
        text="已结清",
        now=factories.NOW,
    )

    assert revoke(kind="certificate", about="loan:abc", now=factories.NOW) == 1

    text = ask(client, paper.code)
    assert "已作废" in text
    assert "核验通过" not in text
    assert revoke(kind="certificate", about="loan:abc", now=factories.NOW) == 0


def test_link_on_a_paper_answers_at_once(client: Client) -> None:
    answer = client.get(VERIFY, {"code": "ABCDEFGHJK"})

    assert "没有查到" in answer.content.decode()
    assert headings(answer) == 1


def test_message_is_known_by_its_code_without_its_words(client: Client, lin: User) -> None:
    Delivery.objects.create(
        user=lin,
        channel="sms",
        event="offer_made",
        key="k",
        to=lin.phone,
        text="减免罚息 70.54 元",
        code="K7Q2M9",
        status="submitted",
        next_attempt_at=factories.NOW,
        created_at=factories.NOW,
    )

    text = ask(client, "k7q2m9")

    assert "核验通过" in text
    assert "由宽息发出的短信通知" in text
    assert "70.54" not in text
    assert "6027" not in text


def test_member_of_staff_is_known_by_the_number(client: Client) -> None:
    member = factories.staff(username="agent")
    gone = factories.staff(username="gone")
    gone.is_active = False
    gone.save()

    for typed in (member.staff_code, str(member.staff_number), member.staff_code.lower()):
        assert f"工号 {member.staff_code} 是宽息在职工作人员" in ask(client, typed, headers=HTMX)
    assert "员工" not in ask(client, member.staff_code)
    assert "没有查到" in ask(client, gone.staff_code)


@pytest.mark.parametrize("name", ["agent", "AGENT", "kagent", "K２２２２", "K" + "9" * 20])
def test_who_logs_in_is_no_public_number(client: Client, name: str) -> None:
    factories.staff(username="agent")

    assert "没有查到" in ask(client, name)


def test_borrowers_are_not_told_of(client: Client, lin: User) -> None:
    assert "没有查到" in ask(client, lin.phone)


@pytest.mark.parametrize("code", ["", "你好", "x" * 20000, "<script>alert(1)</script>", "a'--"])
def test_bad_input_gets_a_sentence(client: Client, code: str) -> None:
    answer = client.post(VERIFY, {"code": code})

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert "<script>alert" not in answer.content.decode()


def test_guessing_is_stopped(client: Client) -> None:
    for _ in range(20):
        ask(client, "ABCDEF")

    answer = client.post(VERIFY, {"code": "ABCDEF"})

    assert answer.status_code == 422
    assert "核验过于频繁" in answer.content.decode()


@pytest.mark.parametrize("slug", ["service", "privacy", "review"])
def test_texts_are_open_to_all(client: Client, lin: User, slug: str) -> None:
    address = reverse("portal:legal", args=[slug])
    assert headings(client.get(address)) == 1

    client.force_login(lin)

    assert client.get(address).status_code == 200


def test_other_texts_are_not_there(client: Client) -> None:
    assert client.get(reverse("portal:legal", args=["other"])).status_code == 404


def test_help_answers_the_four_questions(client: Client) -> None:
    answer = client.get(reverse("portal:help"))

    text = answer.content.decode()
    assert headings(answer) == 1
    for question in ("符合条件", "要多久", "还要还款吗", "对方案不满意"):
        assert question in text
