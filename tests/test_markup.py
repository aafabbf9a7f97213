"""Every page, fragment and refusal is HTML as the standard has it: the Nu HTML checker, once over all of them.

Collected from the test client: each address of the URL configuration for everybody who gets anything
there, whole and as the fragment that HTMX asks for, looked at and sent without a value; the screens
of a case in each of its states, for borrower and desk; and the page of every error.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse

from portal.core.kernel.roles import Rank
from portal.core.models import User
from relief.cases.workflow import State
from tests import factories
from tests.addresses import Address, all_addresses
from tests.conftest import VNU
from tests.screens import errors
from tests.world import World, build_world

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.vnu]

HTMX = {"HX-Request": "true"}
# What differs from one answer to the next and is no markup: tokens, nonces, ids, incident numbers.
CHANCE = re.compile(rb"\b(?:[A-Za-z0-9]{64}|[a-z0-9]{12})\b|nonce-[\w+/=-]+")
# The page around a fragment has its heading.
DOCUMENT = (
    '<!doctype html><html lang="zh-CN"><title>片段</title><body><h1>页面</h1>{}</body></html>'
)
AROUND = {"<tr": "<table>{}</table>", "<li": "<ul>{}</ul>", "<option": "<select>{}</select>"}
# HTMX takes its attributes under both names; data-… is the one that HTML has.
HTMX_ATTRIBUTE = re.compile(r" hx-(?=[a-z-]+[=\s>])")
# Sent without a value they end the session or move the demo's clock.
NOT_SENT = re.compile(r"portal:(demo|logout|erasure|export)|admin:(logout|jsi18n)")


@dataclass
class Collection:
    """Documents in a folder, one for each that differs, and where each was seen first."""

    folder: Path
    seen: set[bytes] = field(default_factory=set)
    origins: dict[str, str] = field(default_factory=dict)

    def keep(self, origin: str, answer: Any) -> None:
        """Add an answer if it is HTML that is new; a fragment is put into a document."""
        if answer.streaming or not answer.headers.get("Content-Type", "").startswith("text/html"):
            return
        text = answer.content.decode()
        shape = CHANCE.sub(b"", answer.content)
        if not text.strip() or shape in self.seen:
            return
        self.seen.add(shape)
        name = f"{len(self.seen):04}.html"
        self.origins[name] = f"{origin} ({answer.status_code})"
        (self.folder / name).write_text(as_document(text), encoding="utf-8")


def as_document(text: str) -> str:
    text = HTMX_ATTRIBUTE.sub(" data-hx-", text)
    if "<!doctype html>" in text.lower():
        return text
    first = re.match(r"\s*(<\w+)", text)
    return DOCUMENT.format(AROUND.get(first[1] if first else "", "{}").format(text))


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def client_of(person: User | None) -> Client:
    client = Client(raise_request_exception=False)
    if person is not None:
        client.force_login(person)
    return client


def visit(found: Collection, who: str, client: Client, address: Address, path: str) -> None:
    """Look at an address and send it nothing, each as a page and as a fragment."""
    for headers, mark in (({}, ""), (HTMX, " fragment")):
        with undone():
            found.keep(f"{address} for {who}{mark}", client.get(path, headers=headers))
        if not NOT_SENT.match(address.name):
            with undone():
                answer = client.post(path, {}, headers=headers)
                found.keep(f"{address} sent by {who}{mark}", answer)


def collect_addresses(found: Collection, world: World) -> None:
    """All that the URL configuration has."""
    manager = factories.staff(Rank.MANAGER)
    people = {"nobody": None, "borrower": world.owner, "newcomer": world.other, "manager": manager}
    for who, person in people.items():
        client = client_of(person)
        for address in all_addresses():
            if not address.is_desk or who in {"nobody", "manager"}:
                visit(found, who, client, address, world.path_of(address))


def collect_states(found: Collection) -> None:
    """The screens of a case, from draft to its end."""
    desk = client_of(factories.staff(Rank.MANAGER))
    of_case = [a for a in all_addresses() if a.name.startswith(("relief:", "loans:"))]
    for state in State:
        case = factories.case_at(state)
        owner = client_of(case.borrower)
        values = {"case": case.public_id, "loan": case.loan.public_id, "number": 1}
        for address in of_case:
            if set(address.parameters) <= set(values):
                path = reverse(address.name, kwargs={n: values[n] for n in address.parameters})
                with undone():
                    found.keep(f"{address} in {state}", owner.get(path))
        change = reverse("admin:relief_case_change", args=[case.pk])
        found.keep(f"desk in {state}", desk.get(change))


def collect_errors(found: Collection) -> None:
    """The page of each error, and what HTMX gets in its place."""
    client = client_of(factories.borrower())
    with override_settings(ROOT_URLCONF="tests.screens.errors"):
        for error in (*errors.STATUSES, "forged"):
            for headers in ({}, HTMX):
                found.keep(f"error {error}", client.get(f"/error/{error}/", headers=headers))


def complaints(found: Collection) -> list[str]:
    """What the checker says of the folder, in one run of it."""
    options = ["--stdout", "--exit-zero-always", "--format", "json"]
    run = subprocess.run(
        ["java", "-jar", VNU, *options, found.folder], capture_output=True, text=True, check=True
    )
    said = []
    for one in json.loads(run.stdout)["messages"]:
        origin = found.origins[Path(one["url"]).name]
        said.append(
            f"{one.get('subType') or one['type']}: {one['message']} | {origin} | {one.get('extract', '')!r}"
        )
    return said


@pytest.mark.timeout(600)
def test_the_nu_html_checker_finds_nothing(frozen: object, settings: Any, tmp_path: Path) -> None:
    settings.DEMO = settings.PAYMENT_SIMULATION = True
    found = Collection(tmp_path)
    collect_addresses(found, build_world())
    collect_states(found)
    collect_errors(found)

    said = complaints(found)

    assert len(found.origins) > 200
    assert not said, "\n".join(said)


def test_a_wrong_fragment_is_found(tmp_path: Path) -> None:
    found = Collection(tmp_path)
    found.keep("planted", HttpResponse("<li hx-get='/'><p><div>x</div></p></li>"))

    assert [line.partition(":")[0] for line in complaints(found)] == ["error"]
