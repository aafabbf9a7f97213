"""登录已失效: a page whose session has ended stays, signs in over itself, and goes on."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from portal.core.models import ParkedForm, User
from portal.core.web.visitor import page_owner
from relief.conversation.models import Message
from tests import factories
from tests.addresses import all_addresses
from tests.authenticator import enrol
from tests.factories import NOW
from tests.world import build_world

pytestmark = pytest.mark.django_db
SERVICE, SEND = reverse("relief:service"), reverse("relief:service-send")
AGAIN = reverse("portal:login-again")
PASSWORD = {"password": factories.PASSWORD}
TYPED = {"text": "我住院三周，想晚一点再还", "once": "k1"}


class Page:
    """One page in a browser: what its script sends says whose page it is."""

    def __init__(self, user: User, client: Client | None = None) -> None:
        self.client, self.user = Client() if client is None else client, user
        if client is None:
            desk = {"username": user.username, **PASSWORD}
            form = {"by": "password", "phone": user.username, "agree": "on", **PASSWORD}
            door = "portal:login" if user.is_borrower else "admin:login"
            self.client.post(reverse(door), form if user.is_borrower else desk)
        self.client.handler.enforce_csrf_checks = True
        self.html = self.client.get(SERVICE if user.is_borrower else "/admin/").content.decode()
        found = re.search('data-owner="([0-9a-f]+)"', self.html)
        assert found is not None
        self.headers = {"HX-Request": "true", "X-Owner": found[1]}
        self.token = token_of(self.html)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Any:
        fields = {"csrfmiddlewaretoken": self.token, **fields}
        return self.client.post(path, fields, headers=self.headers | headers)

    def sign_in(self, address: str, phone: str) -> Any:
        """What the script does with X-Login, and its person with the form."""
        form = self.client.get(f"{address}&by=password", headers=self.headers, follow=True)
        html = form.content.decode()
        fields = {"by": "password", "phone": phone, "username": phone, "agree": "on"}
        fields |= PASSWORD | {"next": "/admin/login/again/" if "/admin/" in address else AGAIN}
        return self.client.post(
            address.partition("?")[0],
            fields | {"csrfmiddlewaretoken": token_of(html)},
            headers=self.headers,
            follow=True,
        )


def token_of(html: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html)
    assert found is not None
    return found[1]


def token_told(answer: HttpResponse) -> str:
    return str(json.loads(answer["HX-Trigger"])["signed-in"]["token"])


def said() -> list[str]:
    return list(Message.objects.filter(text__contains="住院").values_list("text", flat=True))


def test_the_same_form_goes_on_after_the_login_over_its_page() -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        page = Page(factories.borrower())
        machine.shift(timedelta(hours=13))

        refused = page.post(SEND, TYPED)
        assert refused.status_code == 401
        assert not ParkedForm.objects.exists()  # the page itself has it
        answer = page.sign_in(refused["X-Login"], page.user.username)
        assert answer.status_code == 204
        assert page.post(SEND, TYPED).status_code == 403  # the token of the former session
        page.token = token_told(answer)
        assert page.post(SEND, TYPED).status_code == 200

        assert said() == [TYPED["text"]]


def test_what_a_page_asks_by_itself_is_told_the_same() -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        page = Page(factories.borrower())
        machine.shift(timedelta(hours=13))

        polled = page.client.get(
            reverse("relief:service-since", args=[0]), headers=page.headers | {"X-Poll": "1"}
        )

        assert (polled.status_code, polled["X-Login"]) == (401, "/login/?next=%2Flogin%2Fagain%2F")


def test_another_person_gets_a_page_of_their_own_and_sends_nothing() -> None:
    page, other = Page(factories.borrower()), factories.borrower()
    page.client.logout()
    address = page.post(SEND, TYPED)["X-Login"]

    answer = page.sign_in(address, other.username)

    assert answer["HX-Redirect"] == "/"
    assert "HX-Trigger" not in answer
    page.token = token_of(page.client.get(SERVICE).content.decode())
    assert page.post(SEND, TYPED)["HX-Redirect"] == "/"
    assert said() == []


def test_whoever_signed_in_elsewhere_meanwhile_is_not_asked_again() -> None:
    """Another tab of the same browser: the token is old, the session is there."""
    page = Page(factories.borrower())
    page.client.force_login(page.user)  # another key; the token of the page is refused
    page.client.cookies["csrftoken"] = "x" * 32

    refused = page.post(SEND, TYPED)
    answer = page.client.get(refused["X-Login"], headers=page.headers, follow=True)

    assert refused.status_code == 403
    assert answer.status_code == 204
    page.token = token_told(answer)
    assert page.post(SEND, TYPED).status_code == 200


def test_a_plain_form_asks_first_and_the_view_hears_nothing_of_it() -> None:
    with time_machine.travel(NOW, tick=False) as machine:
        page = Page(factories.borrower())
        ask = {"X-Ask": "1", "X-CSRFToken": page.token}

        assert page.post(SEND, {}, **ask).status_code == 204
        machine.shift(timedelta(minutes=31))
        assert page.post(SEND, {}, **ask).status_code == 401
        assert not Message.objects.filter(sender="BORROWER").exists()


@pytest.mark.parametrize("factor", [False, True])
def test_at_the_desk_with_the_second_factor(factor: bool, settings: Any) -> None:
    settings.STAFF_FACTOR = factor
    with time_machine.travel(NOW, tick=False) as machine:
        agent, client, app = factories.staff(), Client(), None
        if factor:
            client.post(reverse("admin:login"), {"username": agent.username, **PASSWORD})
            app, _ = enrol(client)
        page = Page(agent, client if factor else None)
        machine.shift(timedelta(minutes=31))
        refused = page.client.get(reverse("admin:relief_case_changelist"), headers=page.headers)
        assert refused.status_code == 401

        answer = page.sign_in(refused["X-Login"], agent.username)

        if app:
            html = answer.content.decode()
            assert "6 位动态码" in html
            assert "<html" not in html
            answer = page.client.post(
                reverse("admin:factor-login"),
                {"code": app.code(), "csrfmiddlewaretoken": token_of(html)},
                headers=page.headers,
                follow=True,
            )
        assert answer.status_code == 204
        assert token_told(answer)


def test_the_fields_of_the_sheet_are_not_those_of_the_page() -> None:
    page = Page(factories.borrower())
    page.client.logout()
    address = page.post(SEND, TYPED)["X-Login"]
    for way in ("code", "password", "passkey"):
        html = page.client.get(f"{address}&by={way}", headers=page.headers).content.decode()
        assert "<html" not in html
        assert "hx-push-url" not in html
        assert 'id="id_' not in html
        assert html.count('hx-get="/login/?by=') == 3


def test_the_owner_of_a_page_is_told_by_a_word_that_tells_nobody_else() -> None:
    one, other = factories.borrower(), factories.borrower()

    assert page_owner(one) == page_owner(one) != page_owner(other)
    assert re.fullmatch("[0-9a-f]{16}", page_owner(one))


@pytest.mark.usefixtures("frozen")
def test_a_link_followed_without_a_session_leads_there_after_the_login(settings: Any) -> None:
    """Every page that is asked for comes after the login, with its query; of borrowers and of the desk."""
    settings.STAFF_FACTOR = False
    world = build_world()
    at_the_desk = Client(), {"username": world.reviewer.username, **PASSWORD}
    form = {"by": "password", "phone": world.owner.username, "agree": "on", **PASSWORD}
    led = 0
    for address in all_addresses():
        path = f"{world.path_of(address)}?from=here"
        (client, fields), door = (at_the_desk, "/admin/login/")
        if not address.is_desk:
            (client, fields), door = (Client(), form), "/login/"
        sent_to = client.get(path)
        if sent_to.status_code != 302 or not sent_to["Location"].startswith(f"{door}?next="):
            continue  # for everybody, or not there
        led += 1
        assert sent_to["Location"] == f"{door}?{urlencode({'next': path}, safe='/')}", address
        assert path in wanted_by(client.get(sent_to["Location"])), address
    assert led > 150

    for client, fields, door, page in (
        (Client(), form, "/login/", f"/jiebei/{world.values['loan']}/penalty/?days=30"),
        (*at_the_desk, "/admin/login/", "/admin/relief/case/?q=x"),
    ):
        after = client.post(client.get(page)["Location"], fields | {"next": page})
        assert after["Location"] == page, door


def wanted_by(login: Any) -> list[str]:
    """Where the form of the login goes on to."""
    found = re.findall(r'name="next" value="([^"]*)"', login.content.decode())
    return [html.unescape(path) for path in found]
