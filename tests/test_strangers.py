"""A stranger at every address: another borrower, nobody, the wrong role; generated from the URLs."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.kernel.roles import Rank
from portal.core.models import User
from tests import factories
from tests.addresses import Address, all_addresses
from tests.world import World, build_world

# Pages for everybody. Whatever is not named here asks for a login.
PUBLIC = {
    *("portal:front", "portal:login", "portal:login-code", "portal:reset", "portal:reset-code"),
    *("portal:register", "portal:register-code", "portal:help", "portal:legal", "portal:verify"),
    *(
        "portal:healthz",
        "portal:readyz",
        "portal:metrics",
        "portal:sms-reports",
        "portal:robots",
        "portal:offline",
        "portal:worker",
        "portal:security-txt",
        "portal:change-password-well-known",
        "admin:login",
        "admin:setup",
    ),
}
# Reviewers' pages: 404 for everybody outside the demo.
DEMO = {address.name for address in all_addresses() if address.name.startswith("portal:demo")}
ADDRESSES = [a for a in all_addresses() if a.name not in PUBLIC | DEMO]
BORROWERS = [a for a in ADDRESSES if not a.is_desk]
DESK = [a for a in ADDRESSES if a.is_desk]
OF_SOMEBODY = [
    a for a in BORROWERS if set(a.parameters) & {"loan", "case", "file", "notice", "export"}
]
METHODS = ["get", "post", "htmx"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(frozen: object) -> World:
    return build_world()


def ask(client: Client, address: Address, world: World, method: str) -> int:
    """The status of one request; a login page counts as 401."""
    path = world.path_of(address)
    if method == "htmx":
        answer = client.get(path, headers={"HX-Request": "true"})
    else:
        answer = getattr(client, method)(path)
    target = answer.headers.get("Location") or answer.headers.get("HX-Redirect") or ""
    if target.startswith((reverse("portal:login"), reverse("admin:login"))):
        return 401
    return answer.status_code


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_every_address_has_a_name() -> None:
    assert [a for a in all_addresses() if a.name.startswith("(without")] == []


@pytest.mark.parametrize("method", METHODS)
def test_nobody_gets_past_login(world: World, method: str) -> None:
    seen = {str(a): ask(Client(), a, world, method) for a in ADDRESSES}

    assert {name: status for name, status in seen.items() if status not in {401, 405}} == {}


@pytest.mark.parametrize("method", METHODS)
def test_another_borrower_finds_nothing(world: World, method: str) -> None:
    other = logged_in(world.other)

    seen = {str(a): ask(other, a, world, method) for a in OF_SOMEBODY}

    assert {name: status for name, status in seen.items() if status not in {404, 405}} == {}


@pytest.mark.parametrize("method", METHODS)
def test_staff_have_no_business_on_borrowers_pages(world: World, method: str) -> None:
    staff = logged_in(world.reviewer)

    seen = {str(a): ask(staff, a, world, method) for a in BORROWERS if a.name not in SHARED}

    assert {name: status for name, status in seen.items() if status not in {403, 404, 405}} == {}


# Both sides open these: their own kept form, password, way out, a file that they may see.
SHARED = {
    "portal:kept",
    "portal:logout",
    "portal:change-password",
    "relief:evidence-file",
    "portal:notices",
} | {a.name for a in BORROWERS if a.name.startswith("portal:notice")}


@pytest.mark.parametrize("method", METHODS)
def test_borrowers_have_no_business_at_the_desk(world: World, method: str) -> None:
    owner = logged_in(world.owner)

    seen = {str(a): ask(owner, a, world, method) for a in DESK if a.name != "admin:logout"}

    assert {name: status for name, status in seen.items() if status not in {401, 403, 404}} == {}


def test_the_auditor_changes_nothing(world: World) -> None:
    auditor = logged_in(factories.staff(Rank.AUDITOR))
    before = world.fingerprint()

    seen = {str(a): ask(auditor, a, world, "post") for a in DESK if a.name not in HARMLESS}

    assert {name: status for name, status in seen.items() if status >= 500} == {}
    assert world.fingerprint() == before


# Of oneself.
HARMLESS = {
    *("admin:logout", "admin:password_change", "admin:sessions-end", "admin:inbox-read"),
    "admin:factor-confirm",  # logs out whoever has no factor to give
}


@pytest.mark.parametrize("method", METHODS)
def test_the_demo_is_not_there(world: World, method: str) -> None:
    seen = {
        str(a): ask(logged_in(world.owner), a, world, method)
        for a in all_addresses()
        if a.name in DEMO
    }

    assert {name: status for name, status in seen.items() if status != 404} == {}
