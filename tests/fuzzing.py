"""Values that nobody means, and the places to put them: for the suite and for `python -m tests.fuzz`."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from django.contrib import admin
from django.urls import Resolver404, resolve, reverse

from portal.core import clock
from tests.addresses import Address, all_addresses

CALLBACK_KEY = "k" * 32
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


class Fields(HTMLParser):
    """Fields and link parameters of a page, each with the value that it has there; and its links.

    `forms` has them apart, by the path that a form, or a button of it, is sent to.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.found: dict[str, str] = {}
        self.links: list[str] = []
        self.forms: dict[str, dict[str, str]] = {}
        self._form: dict[str, str] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "form":
            self._form = {}
        for link in ("href", "hx-get", "hx-post", "action", "formaction"):
            if link in given:
                self._link(given[link], is_sent=link in {"hx-post", "action", "formaction"})
        if tag == "option" and (self._select not in self.found or "selected" in given):
            self._field(self._select, value)
        elif tag == "select":
            self._select = name
        elif tag in {"input", "textarea", "button"} and name:
            is_choice = given.get("type") in {"radio", "checkbox"} or tag == "button"
            if not is_choice or "checked" in given or name not in self.found:
                self._field(name, value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = {}

    def _field(self, name: str, value: str) -> None:
        if name not in {"", "csrfmiddlewaretoken"}:
            self.found[name] = self._form[name] = value

    def _link(self, link: str, *, is_sent: bool) -> None:
        parts = urlsplit(urljoin(self.path, link))
        if parts.netloc:
            return
        self.links.append(parts.path)
        for parameter, typed in parse_qsl(parts.query):
            self.found.setdefault(parameter, typed)
        if is_sent:
            self.forms[parts.path] = self._form


def fields_at(client: Any, path: str) -> Fields:
    page, found = client.get(path), Fields(path)
    kind = page.headers.get("Content-Type", "")
    if not page.streaming and kind.startswith("text/html"):
        found.feed(page.content.decode())
    return found


def list_names() -> dict[str, set[str]]:
    """Parameters of each list of the desk: every field of its model by every lookup."""
    found = {}
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        fields = [field.name for field in model._meta.get_fields()]
        found[name] = {f"{f}{lookup}" for f in fields for lookup in LOOKUPS} | set(LIST_PARAMETERS)
    return found


@dataclass(frozen=True)
class Place:
    """An address as one person reaches it, the names it may take and the values of its form."""

    name: str
    who: str
    path: str
    names: list[str]
    form: dict[str, str]


PathOf = Callable[[Address], str]


def places_of(clients: Mapping[str, Any], path_of: Mapping[str, PathOf]) -> list[Place]:
    """Every address for everybody who gets anything there.

    `path_of` fills an address for each of them; KeyError says that they know nothing to fill it with.
    An address without a form of its own takes the form of any page that is sent there.
    """
    lists = list_names()
    sent_to: dict[str, dict[str, str]] = {}  # by address
    by_page: set[str] = set()  # partials take the fields of the pages around them
    found = []
    for address in all_addresses():
        for who, client in clients.items():
            try:
                path = path_of[who](address)
            except KeyError:
                continue
            page = client.get(path)
            if page.status_code in {403, 404} or "login/?next=" in page.headers.get("Location", ""):
                continue
            fields = fields_at(client, path)
            for target, form in fields.forms.items():
                sent_to.setdefault(_name_at(target), {}).update(form)
            names = set(fields.found) | lists.get(address.name, set())
            by_page |= names if not address.is_desk else set()
            if address.name in lists:
                names |= set(ACTION_FIELDS)
            found.append((address.name, who, path, names, fields.found))
    places = []
    for name, who, path, names, form in found:
        form = sent_to.get(name, {}) | form
        places.append(Place(name, who, path, sorted(names | set(form) or by_page), form))
    return places


def _name_at(path: str) -> str:
    try:
        return resolve(path).view_name
    except Resolver404:
        return ""


def value(chance: random.Random) -> Any:
    """Mostly something nasty, else noise."""
    if chance.random() < 0.8:
        return chance.choice(NASTY)
    letters = "".join(map(chr, (*range(1, 300), 0xFF10, 0x202E, 0x1F600)))
    return "".join(chance.choice(letters) for _ in range(chance.randrange(1, 40)))


def nasty(chance: random.Random, names: list[str]) -> dict[str, Any]:
    """One field alone, a few, or all."""
    how_many = chance.choice((1, 2, 4, len(names), len(names)))
    chosen = chance.sample(names, min(how_many, len(names), 25))
    return {name: value(chance) for name in chosen}


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


def signed(body: Any) -> tuple[str, bytes, dict[str, str]]:
    """Address, body and headers of a delivery report as the provider would send it."""
    raw = json.dumps(body).encode()
    stamp = str(int(clock.real_now().timestamp()))
    key = CALLBACK_KEY.encode()
    digest = hmac.new(key, stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
    return reverse("portal:sms-reports"), raw, {"X-Timestamp": stamp, "X-Signature": digest}
