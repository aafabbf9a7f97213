"""Every field, query parameter and JSON body of every address, with values nobody means: never a 500.

5,000 values by default; FUZZ_VALUES=100000 is the nightly run, FUZZ_SEED another one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.urls import reverse

from portal.core import clock
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery
from tests import factories
from tests.addresses import all_addresses
from tests.world import World, build_world

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(0)]
VALUES = int(os.environ.get("FUZZ_VALUES") or 5000)
SEED = int(os.environ.get("FUZZ_SEED") or 1)
NASTY: tuple[Any, ...] = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1",
        "2",
        "9999",
        "10000",
        "99999",
        str(2**31),
        str(2**63),
        "9" * 400,
        "1e9",
    ),
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "1.005",
        "１２．３",
        "٣",
        "①",
        "0x10",
        "1_000",
        "+1",
        "--",
        "null",
    ),
    *(
        "true",
        "on",
        "[]",
        "{}",
        "a,b",
        "2026-02-30",
        "0000-00-00",
        "9999-12-31",
        "2026-03-02T25:61",
    ),
    *("24:00", "a\x00b", "\ud7ff", "\u202e", "😀" * 50, "é" * 5000, "\r\nX: y", "../../etc/passwd"),
    *("<script>alert(1)</script>", "' OR 1=1 --", "{{ 7*7 }}", "%00", "%s%n", "1;2", "１" * 30),
    *(
        "income",
        "medical",
        "AMOUNT",
        "code",
        "password",
        "DUE",
        "custom",
        "delete_selected",
        "resend",
    ),
)
LOOKUPS = (
    *("", "__exact", "__in", "__isnull", "__gte", "__lt", "__year", "__month", "__day", "__date"),
    *(
        "__week_day",
        "__range",
        "__regex",
        "__iexact",
        "__contains",
        "__pk",
        "__id__exact",
        "__hour",
    ),
)
LIST_PARAMETERS = ("q", "o", "p", "all", "e", "_popup", "_to_field", "_changelist_filters", "page")
ACTION_FIELDS = ("_selected_action", "action", "select_across", "index", "_save")


class Names(HTMLParser):
    """Names of all fields and link parameters of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"input", "select", "textarea", "button"} and given.get("name"):
            self.found.add(str(given["name"]))
        for link in ("href", "hx-get", "action"):
            self.found |= {name for name, _ in parse_qsl(urlsplit(given.get(link) or "").query)}


def names_at(client: Client, path: str) -> set[str]:
    page = client.get(path)
    kind = page.headers.get("Content-Type", "")
    if page.streaming or not kind.startswith("text/html"):
        return set()
    names = Names()
    names.feed(page.content.decode())
    return names.found - {"csrfmiddlewaretoken"}


def list_names() -> dict[str, set[str]]:
    """Parameters of each list of the desk: every field of its model by every lookup."""
    found = {}
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        fields = [field.name for field in model._meta.get_fields()]
        found[name] = {f"{f}{lookup}" for f in fields for lookup in LOOKUPS} | set(LIST_PARAMETERS)
    return found


def targets(world: World, clients: dict[str, Client]) -> list[tuple[str, str, str, list[str]]]:
    """(address, who, path, names) for everybody who gets anything there."""
    lists = list_names()
    by_page: set[str] = set()  # partials take the fields of the pages around them
    found = []
    for address in all_addresses():
        try:
            path = world.path_of(address)
        except KeyError:
            continue
        for who, client in clients.items():
            if client.get(path).status_code in {403, 404}:
                continue
            names = names_at(client, path) | lists.get(address.name, set())
            by_page |= names if not address.is_desk else set()
            if address.name in lists:
                names |= set(ACTION_FIELDS)
            found.append((address.name, who, path, names))
    return [
        (name, who, path, sorted(names or by_page) or ["next"]) for name, who, path, names in found
    ]


def value(chance: random.Random) -> Any:
    """Mostly something nasty, else noise."""
    if chance.random() < 0.8:
        return chance.choice(NASTY)
    letters = "".join(map(chr, (*range(1, 300), 0xFF10, 0x202E, 0x1F600)))
    return "".join(chance.choice(letters) for _ in range(chance.randrange(1, 40)))


def fields(chance: random.Random, names: list[str]) -> dict[str, Any]:
    """One field alone, a few, or all."""
    how_many = chance.choice((1, 1, 2, 3, len(names)))
    chosen = chance.sample(names, min(how_many, len(names), 25))
    return {name: value(chance) for name in chosen}


@pytest.fixture
def world(frozen: object) -> World:
    return build_world()


def test_no_value_at_any_address_is_a_fault(world: World, settings: Any) -> None:
    settings.PAYMENT_SIMULATION = True
    chance = random.Random(SEED)
    people = {
        "nobody": None,
        "owner": world.owner,
        "reviewer": world.reviewer,
        "manager": factories.staff(Rank.MANAGER),
        "auditor": factories.staff(Rank.AUDITOR),
    }
    clients = {who: Client(raise_request_exception=False) for who in people}
    for who, person in people.items():
        if person is not None:
            clients[who].force_login(person)
    places = targets(world, clients)
    assert len({name for name, *_ in places}) > 60

    faults, tried, round_number = [], 0, 0
    while tried < VALUES:
        name, who, path, names = places[round_number % len(places)]
        round_number += 1
        given = fields(chance, names)
        method = chance.choice(("get", "post", "post", "both"))
        htmx = {"HX-Request": "true"} if chance.random() < 0.3 else {}
        client = clients[who]
        tried += len(given)
        with transaction.atomic():
            if method == "get":
                answer = client.get(path, given, headers=htmx)
            elif method == "post":
                answer = client.post(path, given, headers=htmx)
            else:
                answer = client.post(path, given, headers=htmx, query_params=fields(chance, names))
            transaction.set_rollback(True)
        if answer.status_code >= 500 and name != "portal:readyz":
            faults.append((answer.status_code, name, who, method, repr(given)[:300]))
        if who != "nobody" and name.endswith("logout"):
            client.force_login(people[who])  # type: ignore[arg-type]

    assert faults == [], f"{len(faults)} of {tried} values"


def json_value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(9 if depth < 3 else 7)
    if kind < 4:
        return value(chance)
    if kind < 7:
        return chance.choice((None, True, False, 0, -1, 1.5, 2**70, [], {}))
    if kind == 7:
        return [json_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {str(value(chance)): json_value(chance, depth + 1) for _ in range(chance.randrange(4))}


def report_bodies(chance: random.Random) -> Iterator[Any]:
    """Reports with wrong fields, and whatever else JSON can be."""
    names = ("reference", "status", "error", "out_id", "success", "err_code")
    while True:
        report = {name: json_value(chance) for name in chance.sample(names, chance.randrange(1, 5))}
        if chance.random() < 0.5:
            report["status"] = chance.choice(("delivered", "failed"))
        yield chance.choice((report, [report], [report, report], json_value(chance)))


@pytest.mark.parametrize("backend", ["console", "aliyun"])
def test_no_signed_body_is_a_fault(world: World, settings: Any, backend: str) -> None:
    settings.SMS_CALLBACK_KEY, settings.SMS_BACKEND = "k" * 32, backend
    chance, client = random.Random(SEED), Client(raise_request_exception=False)
    faults = []
    for _, body in zip(range(max(200, VALUES // 25)), report_bodies(chance), strict=False):
        with transaction.atomic():
            answer = send_signed(client, body)
            transaction.set_rollback(True)
        if answer.status_code not in {200, 400, 404, 413}:
            faults.append((answer.status_code, repr(body)[:300]))

    assert faults == []


def send_signed(client: Client, body: Any) -> Any:
    raw = json.dumps(body).encode()
    stamp = str(int(clock.real_now().timestamp()))
    digest = hmac.new(b"k" * 32, stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
    headers = {"X-Timestamp": stamp, "X-Signature": digest}
    page = reverse("portal:sms-reports")
    return client.post(page, raw, content_type="application/json", headers=headers)


# --- each kind once, and what the answer names -----------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reference": {}, "status": []}, "status"),
        ({"reference": {}, "status": "failed"}, "reference"),
        ({"reference": "a\x00", "status": "failed"}, "reference"),
        ({"reference": "a", "status": "failed", "error": [1]}, "error"),
        ({"reference": "a"}, "status"),
    ],
)
def test_an_unreadable_report_is_named_by_its_field(settings: Any, body: Any, field: str) -> None:
    settings.SMS_CALLBACK_KEY = "k" * 32

    answer = send_signed(Client(), [body])

    assert answer.status_code == 400
    assert answer.json()["msg"] == f"字段 {field} 缺少或格式不正确"


@pytest.fixture
def manager(world: World) -> Client:
    client = Client()
    client.force_login(factories.staff(Rank.MANAGER))
    return client


@pytest.mark.parametrize("selected", ["x", "-1", "", "9" * 30, "٣", "1 or 1"])
def test_a_row_that_is_no_number_is_named(manager: Client, selected: str) -> None:
    assert Delivery.objects.exists()
    page = reverse("admin:portal_delivery_changelist")

    answer = manager.post(page, {"action": "resend", "_selected_action": selected})

    assert answer.status_code == 422
    assert "“_selected_action”" in answer.content.decode()


DATED = {
    f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist": desk.date_hierarchy
    for model, desk in admin.site._registry.items()
    if desk.date_hierarchy
}


@pytest.mark.parametrize("name", sorted(DATED))
@pytest.mark.parametrize("year", ["9999", "0", "10000", "-1", "x"])
def test_a_year_that_is_none_is_named(manager: Client, name: str, year: str) -> None:
    answer = manager.get(reverse(name), {f"{DATED[name]}__year": year})

    assert answer.status_code == 422
    assert re.search(rf"“{DATED[name]}__year”", answer.content.decode())


def test_the_thirtieth_of_february_is_no_day(manager: Client) -> None:
    page, field = reverse("admin:portal_delivery_changelist"), "created_at"
    day = {f"{field}__year": "2026", f"{field}__month": "2", f"{field}__day": "30"}

    answer = manager.get(page, day)

    assert answer.status_code == 422
    assert f"“{field}__day”" in answer.content.decode()
    assert manager.get(page, {**day, f"{field}__day": "27"}).status_code == 200
