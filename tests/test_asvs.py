"""Rows of portal/ASVS.md that no other test proves, and that each row names what is there."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.urls import reverse

from portal.core import clock
from portal.core.accounts import codes
from portal.core.models import OneTimeCode, User
from tests import factories
from tests.addresses import all_addresses
from tests.architecture import ROOT
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
    names = {name for address in all_addresses() for name in address.parameters}

    assert names.isdisjoint({"phone", "name", "code", "password", "token", "key", "id_number"})


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "evil.example:80"])
def test_a_host_of_somebody_else_is_refused(client: Client, host: str) -> None:
    """Links in messages come from settings, and no page is answered under a foreign name."""
    answer = client.get("/login/", headers={"Host": host})

    assert answer.status_code == 400
    assert "evil" not in answer.content.decode()


def test_a_moved_demo_clock_neither_ends_nor_saves_a_code() -> None:
    with clock.frozen(clock.real_now() + timedelta(days=400)):
        codes.send_code(
            phone="13911110009", purpose="login", session_key="s", ip="10.0.0.1", now=clock.now()
        )
        row = OneTimeCode.objects.get()

    assert timedelta(0) < row.expires_at - clock.real_now() <= codes.LIFE


@pytest.mark.postgres
def test_no_statement_and_no_lock_is_waited_for_without_end() -> None:
    with connection.cursor() as cursor:
        bounds = {}
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SHOW {name}")
            bounds[name] = cursor.fetchone()[0]

    assert bounds == {
        "statement_timeout": "15s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "15s",
    }


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


# --- The two tables themselves --------------------------------------------------------------------
# Rows of ASVS 5.0.0 at levels 1 and 2, by section, and nine of level 3 that this product takes on.
ROWS = {
    **{"1.1": "1 2", "1.2": "1 2 3 4 5 6 7 8 9", "1.3": "1 2 3 4 5 6 7 8 9 10 11", "1.4": "1 2 3"},
    **{"1.5": "1 2", "2.1": "1 2 3", "2.2": "1 2 3", "2.3": "1 2 3 4 5", "2.4": "1"},
    **{"3.2": "1 2", "3.3": "1 2 3 4", "3.4": "1 2 3 4 5 6", "3.5": "1 2 3 4 5", "3.7": "1 2"},
    **{"4.1": "1 2 3", "4.2": "1", "4.3": "1 2", "4.4": "1 2 3 4"},
    **{"5.1": "1", "5.2": "1 2 3 4 6", "5.3": "1 2", "5.4": "1 2 3"},
    **{"6.1": "1 2 3", "6.2": "1 2 3 4 5 6 7 8 9 10 11 12", "6.3": "1 2 3 4", "6.4": "1 2 3 4"},
    **{"6.5": "1 2 3 4 5", "6.6": "1 2 3", "6.8": "1 2 3 4"},
    **{"7.1": "1 2 3", "7.2": "1 2 3 4", "7.3": "1 2", "7.4": "1 2 3 4 5", "7.5": "1 2 3"},
    **{"7.6": "1 2", "8.1": "1 2", "8.2": "1 2 3", "8.3": "1 2", "8.4": "1"},
    **{"9.1": "1 2 3", "9.2": "1 2 3 4"},
    **{"11.1": "1 2", "11.2": "1 2 3", "11.3": "1 2 3", "11.4": "1 2 3 4", "11.5": "1"},
    **{"11.6": "1", "12.1": "1 2 3", "12.2": "1 2", "12.3": "1 2 3 4"},
    **{"13.1": "1", "13.2": "1 2 3 4 5", "13.3": "1 2", "13.4": "1 2 3 4 5"},
    **{"14.1": "1 2", "14.2": "1 2 3 4 6 7 8", "14.3": "1 2 3"},
    **{"15.1": "1 2 3", "15.2": "1 2 3", "15.3": "1 2 3 4 5 6 7"},
    **{"16.1": "1", "16.2": "1 2 3 4 5", "16.3": "1 2 3 4", "16.4": "1 2 3", "16.5": "1 2 3 4"},
}
# Rows and threats that nothing shows; these only become fewer.
NOT_YET: set[str] = set()
NOT_YET_THREATS = {"T80"}
WHOLE_CHAPTERS = ("V10 ", "V17 ")  # nothing in them applies
ASVS = (ROOT / "portal" / "ASVS.md").read_text()
SECURITY = (ROOT / "portal" / "README.md").read_text()
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_SETTING = re.compile(r"setting ((?:`\w+`(?:, )?)+)")
_SHOWN = re.compile(r"`tests/|setting `|written in `|command `make |does not apply: .|deployer: .")


def rows(document: str) -> list[list[str]]:
    """The cells of every row of a table whose first cell is a number of ASVS or a threat."""
    cells = [line.strip("| ").split(" | ") for line in document.splitlines()]
    return [row for row in cells if re.fullmatch(r"\d+\.\d+\.\d+|T\d+", row[0])]


def test_every_row_of_asvs_is_answered_once() -> None:
    wanted = [f"{section}.{n}" for section, ns in ROWS.items() for n in ns.split()]

    assert [row[0] for row in rows(ASVS)] == wanted
    assert len(wanted) == 262 - 29 - 7
    assert all(f"## {chapter}" in ASVS for chapter in WHOLE_CHAPTERS)


def test_each_row_names_its_proof_or_says_why_there_is_none() -> None:
    unproven = {row[0] for row in rows(ASVS) if not _SHOWN.search(row[2])}

    assert all(len(row) == 3 for row in rows(ASVS))
    assert {row[0] for row in rows(ASVS) if "not yet: " in row[2]} == NOT_YET
    assert unproven <= NOT_YET


def test_what_a_row_names_is_there() -> None:
    missing = []
    for row in rows(ASVS) + rows(SECURITY):
        names = row[-1]
        for path, name in _TEST.findall(names):
            file = ROOT / path
            if not file.exists() or f"def {name}(" not in file.read_text():
                missing.append(f"{row[0]}: {path}::{name}")
        for setting in re.findall(r"`(\w+)`", "".join(_SETTING.findall(names))):
            if not hasattr(settings, setting):
                missing.append(f"{row[0]}: {setting}")
        for document in re.findall(r"written in `([\w/.]+)`", names):
            if not (ROOT / document).exists():
                missing.append(f"{row[0]}: {document}")

    assert missing == []


def test_every_grave_threat_names_its_test() -> None:
    threats = rows(SECURITY)

    assert len(threats) > 70
    assert {row[0] for row in threats if not _TEST.search(row[-1])} == NOT_YET_THREATS
