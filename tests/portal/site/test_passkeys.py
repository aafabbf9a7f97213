"""Passkeys: added after a proof, used once for each challenge, by their owner, at this site only."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings

from portal.core.accounts import factors
from portal.core.kernel.devices import Origin
from portal.core.models import Passkey, SecurityEvent, User
from tests import factories
from tests.authenticator import App
from tests.softkey import PRESENT, SoftKey

pytestmark = pytest.mark.django_db
OWN, ADD, LOGIN = "/me/settings/passkeys/", "/me/settings/passkeys/add/", "/login/?by=passkey"
HOME = settings.PASSKEY_ORIGINS[0]


def options_of(answer: Any) -> str:
    """The options that the page carries for the browser."""
    found = re.search(r'data-passkey="([^"]+)"', answer.content.decode())
    assert found, "no options"
    return html.unescape(found[1])


@pytest.fixture
def lin() -> User:
    return factories.borrower()


def added(user: User, *, key: SoftKey | None = None) -> tuple[Client, SoftKey]:
    """A borrower who has added a passkey."""
    client, key = Client(), key or SoftKey(HOME)
    client.force_login(user)
    offered = client.post(OWN, {"password": factories.PASSWORD})
    client.post(ADD, {"name": "我的手机", "credential": key.make(options_of(offered))})
    return client, key


def log_in(client: Client, credential: str, **more: str) -> Any:
    return client.post("/login/", {"by": "passkey", "credential": credential, **more})


def test_a_borrower_adds_one_and_logs_in_with_it(lin: User) -> None:
    inside, key = added(lin)
    outside = Client()

    answer = log_in(outside, key.use(options_of(outside.get(LOGIN))), next="/me/notices/")

    assert "我的手机" in inside.get(OWN).content.decode()
    assert answer["Location"] == "/me/notices/"
    assert outside.get("/me/").status_code == 200
    kinds = list(SecurityEvent.objects.order_by("pk").values_list("kind", "detail"))
    assert kinds == [("PASSKEY_ADDED", "我的手机"), ("LOGIN", "通行密钥")]


def test_adding_needs_the_password_first(lin: User) -> None:
    client = Client()
    client.force_login(lin)

    listed = client.get(OWN).content.decode()
    refused = client.post(OWN, {"password": "wrong-one"})
    skipped = client.post(ADD, {"name": "x", "credential": "{}"}, follow=True)

    assert "data-passkey=" not in listed
    assert refused.status_code == 422
    assert "页面已过期" in skipped.content.decode()
    assert not Passkey.objects.exists()


def test_what_was_signed_once_is_worth_nothing_again(lin: User) -> None:
    _, key = added(lin)
    client = Client()
    answer = key.use(options_of(client.get(LOGIN)))
    assert log_in(client, answer).status_code == 302

    thief = Client()
    thief.get(LOGIN)
    assert log_in(thief, answer).status_code == 422
    assert "_auth_user_id" not in thief.session


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: setattr(key, "origin", "https://evil.example"),
        lambda key: setattr(key, "flags", PRESENT),
        lambda key: setattr(key, "flags", 0),
        lambda key: setattr(key, "handle", b"somebody else"),
        lambda key: setattr(key, "key", SoftKey("").key),
        lambda key: setattr(key, "identity", b"unknown" * 4),
    ],
    ids=["origin", "not-verified", "nobody-there", "handle", "key", "unknown"],
)
def test_a_wrong_answer_opens_nothing_and_says_one_sentence(lin: User, spoil: Any) -> None:
    _, key = added(lin)
    spoil(key)
    client = Client()

    refused = log_in(client, key.use(options_of(client.get(LOGIN))))

    assert "通行密钥没有通过验证" in refused.content.decode()
    assert "_auth_user_id" not in client.session
    assert SecurityEvent.objects.latest("pk").kind == "LOGIN_FAILED"


def test_a_copied_key_that_counts_backwards_is_refused(lin: User) -> None:
    _, key = added(lin)
    client = Client()
    log_in(client, key.use(options_of(client.get(LOGIN))))
    key.count = 0

    copy = Client()
    refused = log_in(copy, key.use(options_of(copy.get(LOGIN))))

    assert "通行密钥没有通过验证" in refused.content.decode()


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "STAFF"}])
def test_the_account_must_be_a_borrowers_and_open(lin: User, change: dict[str, Any]) -> None:
    _, key = added(lin)
    more = {"is_staff": True, "rank": "REVIEWER"} if "role" in change else {}
    User.objects.filter(pk=lin.pk).update(**change, **more)
    client = Client()

    refused = log_in(client, key.use(options_of(client.get(LOGIN))))

    assert "通行密钥没有通过验证" in refused.content.decode()


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "null",
        "[]",
        "{}",
        "[" * 9000,
        "{",
        '{"id": 1, "response": {}}',
        '{"id": "a", "rawId": "a", "type": "public-key", "response": {}}',
        '{"id": "a", "rawId": "a", "type": "public-key", "response": {"clientDataJSON": "?"}}',
        "x" * 100_000,
    ],
)
def test_nonsense_is_refused_in_words(lin: User, credential: str) -> None:
    client, inside = Client(), Client()
    client.get(LOGIN)
    inside.force_login(lin)
    inside.post(OWN, {"password": factories.PASSWORD})

    assert "通行密钥没有通过验证" in log_in(client, credential).content.decode()
    refused = inside.post(ADD, {"name": "手机", "credential": credential})
    assert "通行密钥没有添加成功" in refused.content.decode()


@pytest.mark.parametrize("name", ["", " ", "长" * 31])
def test_a_passkey_needs_a_name(lin: User, name: str) -> None:
    client, key = Client(), SoftKey(HOME)
    client.force_login(lin)
    offered = client.post(OWN, {"password": factories.PASSWORD})

    refused = client.post(ADD, {"name": name, "credential": key.make(options_of(offered))})
    again = client.post(ADD, {"name": "手机", "credential": key.make(options_of(refused))})

    assert "名称：请填写" in refused.content.decode()
    assert again["Location"] == OWN


def test_every_bit_of_a_registration_counts(lin: User) -> None:
    """One byte changed anywhere: a refusal in words or a passkey as good, never an error."""
    client, key = Client(), SoftKey(HOME)
    client.force_login(lin)
    for place in range(0, 400, 7):
        offered = client.post(OWN, {"password": factories.PASSWORD})
        credential = key.make(options_of(offered))
        spoiled = credential[:place] + "Q" + credential[place + 1 :]
        assert client.post(ADD, {"name": "x", "credential": spoiled}).status_code in {302, 422}
        Passkey.objects.all().delete()


def test_one_is_removed_by_its_owner_only(lin: User) -> None:
    client, key = added(lin)
    path = f"{OWN}{Passkey.objects.get().public_id}/remove/"
    other = Client()
    other.force_login(factories.borrower("13900000002", "赵远"))

    other.post(path)
    assert Passkey.objects.count() == 1
    client.post(path)

    assert not Passkey.objects.exists()
    outside = Client()
    refused = log_in(outside, key.use(options_of(outside.get(LOGIN))))
    assert "通行密钥没有通过验证" in refused.content.decode()


def test_another_origin_of_the_same_domain_counts_when_it_is_named(lin: User) -> None:
    _, key = added(lin)
    key.origin = "http://m.localhost"
    client = Client()
    with override_settings(PASSKEY_ORIGINS=[HOME, "http://m.localhost"]):
        assert log_in(client, key.use(options_of(client.get(LOGIN)))).status_code == 302


# --- Staff: the second factor after the password ----------------------------------------------------

ASK, BIND, CONFIRM = "/admin/login/factor/", "/admin/factor/passkeys/", "/admin/factor/confirm/"


def bound(user: User, *, flags: int = PRESENT) -> SoftKey:
    """A member of staff with an authenticator and a security key that asks for no finger."""
    app, client, key = App(factors.new_key()), Client(), SoftKey(HOME, flags=flags)
    factors.enrol(user=user, key=app.key, code=app.code(), origin=Origin())
    client.force_login(user)
    offered = client.get(BIND)
    client.post(BIND, {"name": "安全密钥", "credential": key.make(options_of(offered))})
    return key


def with_password(user: User) -> Client:
    client = Client()
    client.post("/admin/login/", {"username": user.username, "password": factories.PASSWORD})
    return client


def test_staff_give_theirs_after_the_password() -> None:
    staff = factories.staff()
    key = bound(staff)
    client = with_password(staff)

    answer = client.post(ASK, {"credential": key.use(options_of(client.get(ASK)))})

    assert answer["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert SecurityEvent.objects.get(kind="LOGIN").detail == "密码和通行密钥"


def test_staff_do_not_get_in_with_a_passkey_alone_or_with_another_ones() -> None:
    staff, other = factories.staff(), factories.staff(username="other")
    key, client = bound(staff, flags=PRESENT | 4), Client()
    bound(other)

    alone = log_in(client, key.use(options_of(client.get(LOGIN))))
    waiting = with_password(other)
    foreign = waiting.post(ASK, {"credential": key.use(options_of(waiting.get(ASK)))})

    assert "通行密钥没有通过验证" in alone.content.decode()
    assert foreign.status_code == 422
    assert waiting.get("/admin/").status_code == 302


def test_a_challenge_is_for_one_aim() -> None:
    staff = factories.staff()
    key, client = bound(staff), with_password(staff)
    client.get(ASK)
    options = json.dumps({"challenge": "AAAA", "rpId": settings.PASSKEY_RP_ID})

    refused = client.post(ASK, {"credential": key.use(options)})
    again = client.post(ASK, {"credential": key.use(options_of(refused))})

    assert refused.status_code == 422
    assert again["Location"] == "/admin/"


def test_a_passkey_is_a_fresh_factor_too() -> None:
    staff = factories.staff()
    key = bound(staff)
    client = Client()
    client.force_login(staff)
    session = client.session
    session["factor_at"] = "2026-01-01T00:00:00+00:00"
    session.save()
    assert client.get(BIND)["Location"].startswith(CONFIRM)

    asked = client.get(CONFIRM, {"next": BIND})
    answer = client.post(CONFIRM, {"next": BIND, "credential": key.use(options_of(asked))})

    assert answer["Location"] == BIND
    assert client.get(BIND).status_code == 200
