"""Staff at their own desk: a bell with their notices, and failures in the desk's frame."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.kernel.roles import Rank
from portal.core.models import Notice, User
from relief.cases.workflow import State
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
INBOX = "/admin/inbox/"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def bell(client: Client) -> str:
    """The count that the bell in the head asks for; "" for none."""
    address = reverse("admin:inbox-count")
    head = re.search(r'<a class="bell".*?</a>', client.get("/admin/").content.decode(), re.S)
    assert head is not None
    assert f'hx-get="{address}"' in head[0]
    count = re.search(r'>(\d+)<span class="sr"> 条未读', client.get(address).content.decode())
    return count[1] if count else ""


def test_the_bell_counts_what_is_unread_and_a_notice_leads_to_its_case() -> None:
    staff = factories.staff()
    case = factories.case_at(State.SUBMITTED)
    client, notice = client_of(staff), Notice.objects.get(user=staff)
    assert bell(client) == "1"
    page = client.get(INBOX).content.decode()
    assert notice.title in page
    assert "1 条未读" in page

    opened = client.get(reverse("admin:inbox-open", args=[notice.public_id]))

    assert opened["Location"] == reverse("admin:relief_case_change", args=[case.pk])
    notice.refresh_from_db()
    assert notice.read_at == factories.NOW
    assert bell(client) == ""
    assert "没有未读的消息" in client.get(f"{INBOX}?unread").content.decode()
    assert notice.title in client.get(INBOX).content.decode()


def test_all_are_marked_read_and_only_ones_own() -> None:
    staff, colleague = factories.staff(), factories.staff(username="colleague")
    factories.case_at(State.SUBMITTED)
    theirs = Notice.objects.get(user=colleague)
    client = client_of(staff)

    answer = client.post(reverse("admin:inbox-read"))

    assert answer["Location"] == INBOX
    assert bell(client) == ""
    theirs.refresh_from_db()
    assert theirs.read_at is None
    assert client.get(reverse("admin:inbox-open", args=[theirs.public_id])).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", INBOX, 200),
        ("post", INBOX, 405),
        ("get", f"{INBOX}count/", 200),
        ("post", f"{INBOX}count/", 405),
        ("get", f"{INBOX}read/", 405),
        ("post", f"{INBOX}read/", 302),
        ("get", f"{INBOX}zzzzzzzzzzzz/", 404),
        ("post", f"{INBOX}zzzzzzzzzzzz/", 405),
    ],
)
def test_who_may_what_of_the_inbox(method: str, path: str, status: int) -> None:
    for rank in Rank:
        answer = getattr(client_of(factories.staff(rank)), method)(path)
        assert answer.status_code == status, rank
    for client in (Client(), client_of(factories.borrower())):
        answer = getattr(client, method)(path)
        assert answer.status_code == 302
        assert "/login/" in answer["Location"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/me/notices/", 403),
        ("/admin/relief/case/99999/change/", 404),
        ("/nowhere/", 404),
        ("/admin/nowhere/", 404),
    ],
)
def test_a_failure_stays_in_the_frame_of_who_sees_it(path: str, status: int) -> None:
    answer = client_of(factories.staff()).get(path)

    text = answer.content.decode()
    assert answer.status_code == status
    assert text.count("<h1") == 1
    assert "宽息管理后台" in text
    assert 'id="nav-sidebar"' in text
    assert f'href="{reverse("admin:index")}">回到看板' in text
    assert "回到我的" not in text
    borrowers = client_of(factories.borrower()).get("/nowhere/").content.decode()
    assert "宽息管理后台" not in borrowers
    assert "回到我的" in borrowers


def test_a_file_that_cannot_be_shown_is_refused_at_the_desk() -> None:
    case = factories.case_at(State.IN_REVIEW)
    address = reverse("admin:relief_case_file", args=[case.pk, case.evidence.get().public_id])

    answer = client_of(factories.staff()).get(address)

    assert answer.status_code == 409
    assert "文件正在检查，请稍后再看。" in answer.content.decode()
    assert "回到看板" in answer.content.decode()
