"""Borrowers read of staff by their number: no page, paper, table or message names who logs in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from django.test import Client
from django.urls import Resolver404, resolve, reverse
from django.utils.html import strip_tags

from portal.core import clock
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, Notice, User
from portal.site.demo import cast
from portal.site.demo.seed import seed
from tests import factories
from tests.conftest import at
from tests.fuzzing import Fields

pytestmark = pytest.mark.django_db
NOW = at("2026-11-24 10:00")
STORIES = ("13800000003", "13800000004", "13800000008")
LOGIN_NAME = re.compile(
    rf"(?<![A-Za-z0-9])({'|'.join(member.account for member in cast.STAFF)})(?![A-Za-z0-9])", re.I
)
NOT_THEIRS = ("portal:demo", "portal:logout", "admin:")  # the first is for reviewers of the demo


def walked(client: Client, start: str) -> dict[str, str]:
    """What a person reads at each kind of page that can be reached from `start`, papers included."""
    read: dict[str, str] = {}
    waiting = [start]
    while waiting:
        path = waiting.pop()
        try:
            name = resolve(path).view_name
        except Resolver404:
            continue
        if name in read or name.startswith(NOT_THEIRS):
            continue
        answer = client.get(path)
        fields = Fields(path)
        read[name] = text_of(answer, fields)
        waiting += fields.links
    return read


def text_of(answer: Any, fields: Fields) -> str:
    """The words of a page, a table or a paper; the links of a page go into `fields`."""
    kind = answer.headers.get("Content-Type", "")
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if kind.startswith("application/pdf"):
        paper = pypdfium2.PdfDocument(content)
        return "".join(page.get_textpage().get_text_bounded() for page in paper)
    if kind.startswith("text/html"):
        fields.feed(content.decode())
        return strip_tags(re.sub(r"(?s)<(style|script).*?</\1>", "", content.decode()))
    return content.decode(errors="replace")


@pytest.mark.slow
def test_no_borrower_reads_the_login_name_of_staff(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEMO, settings.PRIVATE_ROOT = True, tmp_path
    monkeypatch.setattr(clock, "real_now", lambda: NOW)
    seed(now=NOW)
    read: dict[str, str] = {}
    for account in STORIES:
        client = Client()
        client.force_login(User.objects.get(username=account))
        pages = walked(client, reverse("portal:me"))
        read |= {f"{account} {name}": text for name, text in pages.items()}
    rows = [*Notice.objects.filter(user__role="BORROWER"), *Delivery.objects.filter(channel="sms")]
    read |= {f"{row._meta.label} {row.pk}": f"{row}{vars(row)}" for row in rows}

    assert {"relief:agreement-pdf", "loans:statement-csv", "relief:case", "relief:service"} <= {
        name.partition(" ")[2] for name in read
    }
    assert {
        name: LOGIN_NAME.findall(text) for name, text in read.items() if LOGIN_NAME.search(text)
    } == {}
    assert re.search(r"客服 K\d{4}", "".join(read.values()))


def test_a_planted_login_name_is_found() -> None:
    assert LOGIN_NAME.search("由 supervisor 处理")
    assert not LOGIN_NAME.search("User-agents, agent3x")


def test_numbers_of_staff_are_their_own_and_never_used_again() -> None:
    first, second = factories.staff(Rank.REVIEWER, "one"), factories.staff(Rank.REVIEWER, "two")
    second.is_active = False
    second.save()
    third = factories.staff(Rank.MANAGER, "three")

    assert (first.staff_code, second.staff_code, third.staff_code) == ("K1001", "K1002", "K1003")
    assert factories.borrower().staff_code == ""
