"""消息: categories, reading, the truth about messages, and nobody else's notices."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.models import Delivery, Notice, User
from tests import factories
from tests.portal.site.pages.conftest import HTMX, headings

pytestmark = pytest.mark.django_db
INBOX, READ = reverse("portal:notices"), reverse("portal:notices-read")
LogIn = Callable[[User], Client]


def notice(user: User, **changes: object) -> Notice:
    values = {
        "user": user,
        "key": f"k{Notice.objects.count()}",
        "event": "offer_made",
        "title": "协商方案已送达",
        "body": "请在 12月1日 18:00 前确认",
        "link": "/relief/",
        "code": "K7Q2M9",
        "created_at": factories.NOW,
    }
    return Notice.objects.create(**(values | changes))


def message(about: Notice, status: str, **more: object) -> Delivery:
    return Delivery.objects.create(
        user=about.user,
        notice=about,
        channel="sms",
        event=about.event,
        key=f"{about.key}:sms",
        to=about.user.phone,
        code=about.code,
        status=status,
        next_attempt_at=factories.NOW,
        created_at=factories.NOW,
        **more,
    )


def test_empty_inbox_says_so(lin: User, as_user: LogIn) -> None:
    answer = as_user(lin).get(INBOX)

    assert headings(answer) == 1
    assert "还没有消息" in answer.content.decode()
    assert "全部已读" not in answer.content.decode()


def test_row_shows_code_and_what_is_known_of_the_message(lin: User, as_user: LogIn) -> None:
    message(notice(lin), "submitted")

    text = as_user(lin).get(INBOX).content.decode()

    assert "K7Q2M9" in text
    assert "已提交" in text
    assert 'class="cs">已送达' not in text
    assert "未读" in text


def test_chips_choose_a_category_with_htmx_and_without(lin: User, as_user: LogIn) -> None:
    notice(lin)
    notice(lin, category="repayment", title="还款提醒")
    client = as_user(lin)

    page = client.get(INBOX, {"kind": "repayment"}).content.decode()
    part = client.get(INBOX, {"kind": "relief"}, headers=HTMX).content.decode()

    assert "还款提醒" in page
    assert "协商方案已送达" not in page
    assert part.lstrip().startswith('<div id="inbox">')
    assert "还款提醒" not in part
    assert client.get(INBOX, {"kind": "nonsense", "page": "abc"}).status_code == 200


def test_opening_marks_read_and_leads_on(lin: User, as_user: LogIn) -> None:
    one = notice(lin)

    answer = as_user(lin).get(reverse("portal:notice", args=[one.public_id]))

    one.refresh_from_db()
    assert answer["Location"] == "/relief/"
    assert one.read_at is not None


@pytest.mark.parametrize("link", ["", "https://evil.example/", "//evil.example"])
def test_notice_without_a_link_of_ours_is_shown_itself(
    lin: User, as_user: LogIn, link: str
) -> None:
    one = notice(lin, link=link, body="<script>alert(1)</script>")

    answer = as_user(lin).get(reverse("portal:notice", args=[one.public_id]))

    assert answer.status_code == 200
    assert headings(answer) == 1
    assert "<script>alert" not in answer.content.decode()


def test_notice_of_another_is_not_there(lin: User, as_user: LogIn) -> None:
    other = notice(factories.borrower())
    client = as_user(lin)

    assert client.get(reverse("portal:notice", args=[other.public_id])).status_code == 404
    client.post(READ)

    other.refresh_from_db()
    assert other.read_at is None


def test_all_read_is_a_post(lin: User, as_user: LogIn) -> None:
    one = notice(lin)
    client = as_user(lin)
    assert client.get(READ).status_code == 405

    assert client.post(READ)["Location"] == INBOX

    one.refresh_from_db()
    assert one.read_at is not None


def test_all_read_with_htmx_swaps_the_list_and_the_badge(lin: User, as_user: LogIn) -> None:
    notice(lin)

    text = as_user(lin).post(READ, headers=HTMX).content.decode()

    assert 'id="inbox"' in text
    assert re.search(r'id="tab-badge" hx-swap-oob="true">\s*</span>', text)
    assert "未读" not in text


def test_pages(lin: User, as_user: LogIn) -> None:
    for _ in range(21):
        notice(lin)
    client = as_user(lin)

    first = client.get(INBOX).content.decode()
    last = client.get(INBOX, {"page": "2"}).content.decode()

    assert "下一页" in first
    assert "第 2 / 2 页" in last


def test_queries_stay_constant(
    lin: User, as_user: LogIn, django_assert_max_num_queries: Callable
) -> None:
    for _ in range(15):
        message(notice(lin), "pending")
    client = as_user(lin)

    with django_assert_max_num_queries(9):
        client.get(INBOX)
