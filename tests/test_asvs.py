"""Rows of portal/ASVS.md that no other test proves, and that each row names what is there."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from portal.core.models import User
from tests import factories
from tests.addresses import all_addresses
from tests.test_strangers import BORROWERS
from tests.world import World, build_world

pytestmark = pytest.mark.django_db
PASSWORD = "  长口令 correct-Horse~battery 电池 staple; 'quoted' \\ \U00020bb7 " + "x" * 60


@pytest.fixture
def world(frozen: object) -> World:
    return build_world()


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


# --- What is answered -----------------------------------------------------------------------------
def test_every_page_names_its_type_and_charset(world: World) -> None:
    client = logged_in(world.owner)
    for address in BORROWERS:
        answer = client.get(world.path_of(address))
        kind, _, parameters = answer.headers.get("Content-Type", "").partition(";")

        if answer.streaming or answer.content:
            assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", kind), address
            assert not kind.startswith("text/") or "charset=utf-8" in parameters, address
        assert answer["X-Content-Type-Options"] == "nosniff", address


def test_get_and_head_change_nothing(world: World) -> None:
    """A first look may be noted (read, opened, logged); looking again never changes a row."""
    client = logged_in(world.owner)
    for address in BORROWERS:
        path = world.path_of(address)
        client.get(path)
        before = world.fingerprint()

        client.get(path)
        client.head(path)

        assert world.fingerprint() == before, address


def test_no_other_origin_is_let_in(client: Client) -> None:
    answer = client.options("/login/", headers={"Origin": "https://evil.example"})
    page = client.get("/login/", headers={"Origin": "https://evil.example"})

    assert [n for n in (*answer.headers, *page.headers) if n.startswith("Access-Control")] == []


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "DELETE", "PATCH", "NONSENSE"])
@pytest.mark.parametrize("path", ["/login/", "/healthz", "/admin/login/"])
def test_trace_and_unknown_methods_are_refused(client: Client, method: str, path: str) -> None:
    assert client.generic(method, path).status_code in {405}


@pytest.mark.parametrize(
    "path",
    [
        *("/.git/config", "/.git/HEAD", "/.env", "/static/", "/static/js/", "/static/../manage.py"),
        *("/pyproject.toml", "/portal/site/settings.py", "/var/", "/var/kuanxi.sqlite3"),
    ],
)
def test_neither_folders_nor_sources_are_served(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_no_address_has_a_place_for_personal_data() -> None:
    """Phones, names, codes and passwords travel in bodies; addresses hold opaque ids and numbers."""
    names = {parameter for address in all_addresses() for parameter in address.parameters}

    assert names.isdisjoint({"phone", "name", "code", "password", "token", "key", "id_number"})


# --- Passwords ------------------------------------------------------------------------------------
def test_a_long_password_of_any_characters_is_kept_as_it_is() -> None:
    owner = factories.borrower("13911110009", "长")
    owner.set_password(PASSWORD)
    owner.save()
    tries = {
        PASSWORD: True,
        PASSWORD.strip(): False,
        PASSWORD.lower(): False,
        PASSWORD[:64]: False,
    }

    assert len(PASSWORD) > 64
    assert {typed: owner.check_password(typed) for typed in tries} == tries


@pytest.mark.parametrize(
    "address", ["/login/?by=password", "/register/", "/login/reset/", "/admin/login/"]
)
def test_password_fields_are_masked_and_let_managers_in(client: Client, address: str) -> None:
    page = client.get(address).content.decode()
    fields = re.findall(r"<input[^>]*name=\"[^\"]*password[^\"]*\"[^>]*>", page)

    assert fields
    for field in fields:
        assert 'type="password"' in field
        assert re.search(r'autocomplete="(current|new)-password"', field)
        assert "onpaste" not in field


# --- Sessions -------------------------------------------------------------------------------------
def test_a_login_takes_a_new_session(client: Client) -> None:
    owner = factories.borrower("13911110009", "新")
    owner.set_password(PASSWORD)
    owner.save()
    client.get("/login/?by=password")
    session = client.session
    session["from before"] = 1
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = old = session.session_key

    client.post(
        "/login/", {"by": "password", "phone": owner.phone, "password": PASSWORD, "agree": "on"}
    )

    assert client.session["_auth_user_id"] == str(owner.pk)
    assert client.session.session_key != old
    assert not Session.objects.filter(pk=old).exists()


@pytest.mark.parametrize("way_out", ["portal:logout", "admin:logout"])
def test_a_session_that_ended_is_of_no_use(way_out: str) -> None:
    person = factories.staff() if way_out.startswith("admin") else factories.borrower()
    client, home = logged_in(person), "admin:index" if person.is_staff else "portal:me"
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post(reverse(way_out))

    client.cookies[settings.SESSION_COOKIE_NAME] = key

    assert client.get(reverse(home)).status_code == 302
    assert not Session.objects.filter(pk=key).exists()


def test_every_page_of_somebody_has_a_way_out(world: World) -> None:
    """Borrowers find it under 我的 → 设置, which every page's navigation leads to; staff on each page."""
    borrower, staff = logged_in(world.owner), logged_in(world.reviewer)

    assert reverse("portal:logout") in borrower.get(reverse("portal:settings")).content.decode()
    assert reverse("portal:settings") in borrower.get(reverse("portal:me")).content.decode()
    assert reverse("admin:logout") in staff.get(reverse("admin:index")).content.decode()
