"""A session that runs out while somebody writes loses nothing of what was typed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from portal.core.models import ParkedForm, User
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.conversation.models import Message
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
SERVICE, SEND = reverse("relief:service"), reverse("relief:service-send")
SAID = "我住院三周，\r\n“想晚一点”再还 & 分期 100%"


def left_alone(user: User, machine: Any) -> Client:
    """Logged in, and then away for longer than a session waits."""
    client = Client()
    log_in(client, user)
    machine.shift(timedelta(minutes=31))
    return client


def log_in(client: Client, user: User) -> None:
    form = {"by": "password", "phone": user.username, "password": factories.PASSWORD, "agree": "on"}
    assert client.post(reverse("portal:login"), form).status_code == 302


def said() -> list[str]:
    return list(Message.objects.filter(text__contains="住院").values_list("text", flat=True))


def words_of(address: str) -> str:
    """The word of a kept form, from the way to the login."""
    wanted = parse_qs(urlsplit(address).query)["next"][0]
    assert urlsplit(wanted).path == reverse("portal:kept")
    return parse_qs(urlsplit(wanted).query)["word"][0]


def test_what_was_typed_goes_on_after_the_login_and_once() -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        owner = factories.borrower()
        client = left_alone(owner, machine)

        where = client.post(SEND, {"text": SAID, "once": "k1"}).headers["Location"]

        assert said() == []
        log_in(client, owner)
        word = words_of(where)
        page = client.get("/kept/", {"word": word}).content.decode()
        assert f'action="{SEND}"' in page
        assert "继续提交" in page
        for _ in range(2):  # a double click
            client.post(SEND, {"kept": word})
        assert len(said()) == 1
        assert said()[0].replace("\r\n", "\n") == SAID.replace("\r\n", "\n")
        assert "没有等待提交的内容" in client.get("/kept/", {"word": word}).content.decode()


@pytest.mark.parametrize("who", ["another", "late"])
def test_nobody_else_and_nobody_late_takes_it_up(who: str) -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        owner = factories.borrower()
        client = left_alone(owner, machine)
        where = client.post(SEND, {"text": SAID}).headers["Location"]
        client = Client()
        log_in(client, factories.borrower() if who == "another" else owner)
        if who == "late":
            machine.shift(timedelta(minutes=29, seconds=59))
            assert client.get("/kept/", {"word": words_of(where)}).status_code == 200
            machine.shift(timedelta(seconds=1))

        page = client.get("/kept/", {"word": words_of(where)})
        answer = client.post(SEND, {"kept": words_of(where)})

        assert "继续提交" not in page.content.decode()
        assert answer.status_code == 409
        assert "没有再次提交" in answer.content.decode()
        assert said() == []


def test_passwords_and_codes_are_not_kept_and_are_asked_for_again() -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        case = factories.case_at(State.OFFERED)
        offer = case.offers.get()
        client = left_alone(case.borrower, machine)
        accept = reverse("relief:offer-accept", args=[case.public_id, offer.number])
        form = {"seen": offer.digest, "agree": "on", "method": "password", "password": "mima-12345"}

        where = client.post(accept, form).headers["Location"]

        parked = ParkedForm.objects.get()
        assert b"mima" not in bytes(parked.sealed_fields)
        log_in(client, case.borrower)
        answer = client.post(accept, {"kept": words_of(where)})
        assert answer.status_code == 422
        assert Case.objects.get().state == State.OFFERED


def test_an_empty_form_and_a_page_come_back_as_they_did() -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        client = left_alone(factories.borrower(), machine)

        answer = client.post(SEND, {"text": " "}, headers={"Referer": f"http://x{SERVICE}"})

        assert answer.headers["Location"] == f"/login/?next={SERVICE}"
        assert not ParkedForm.objects.exists()


def test_at_the_desk_too(settings: Any) -> None:
    settings.STAFF_FACTOR = False
    with time_machine.travel(NOW, tick=False) as machine:
        case = factories.case_at(State.SUBMITTED)
        agent = factories.staff()
        client = left_alone(agent, machine)
        claim = reverse("admin:relief_case_claim", args=[case.pk])

        where = client.post(claim, {"seen": str(case.version)}).headers["Location"]

        assert where.startswith("/admin/login/")
        log_in(client, agent)
        page = client.get("/kept/", {"word": words_of(where)}).content.decode()
        assert f'action="{claim}"' in page
        assert "宽息管理后台" in page
