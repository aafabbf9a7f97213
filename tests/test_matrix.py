"""Addresses × roles × methods × {own, another's, absent}: what is another's is as if it were not there.

The same status, the same page and the same number of queries, so that neither words nor time tell
whose an id is. tests/test_strangers.py says which status each role gets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from loans.models import Payment
from portal.core.kernel.roles import Rank
from portal.core.models import Notice
from relief.cases.workflow import State
from relief.evidence.models import Evidence
from tests import factories
from tests.addresses import Address, all_addresses
from tests.world import World, build_world

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
OBJECTS = {"loan", "payment", "case", "file", "notice", "export"}  # parameters that name somebody's
IDS = {*OBJECTS, "evidence", "number", "pk", "object_id", "message"}
OF_SOMEBODY = [a for a in all_addresses() if set(a.parameters) & OBJECTS and not a.is_desk]
AT_THE_DESK = [a for a in all_addresses() if set(a.parameters) & IDS and a.is_desk]
STAFF = [Rank.REVIEWER, Rank.SUPERVISOR, Rank.MANAGER, Rank.AUDITOR]
METHODS = ["get", "head", "post", "put", "delete", "htmx get", "htmx post"]
MAY_SEE_ALL = {"relief:evidence-file"}  # of staff: each look is written down
# What differs from one answer to the next: tokens, nonces and the incident number.
CHANCE = re.compile(r"\b(?:[A-Za-z0-9]{64}|[a-z0-9]{12})\b|nonce-[\w+/=-]+")


@dataclass(frozen=True)
class Seen:
    """What an answer tells: status, where it leads, its words, and the work behind it."""

    status: int
    target: str
    body: str
    queries: int


@pytest.fixture
def world(frozen: object) -> World:
    return build_world()


@pytest.fixture
def others(world: World) -> dict[str, Any]:
    """The other borrower's own values for the same parameters."""
    loan = factories.overdue_loan(world.other)
    factories.pay_amount(loan, factories.Decimal("100.00"), factories.NOW.date())
    case = factories.case_at(State.OFFERED, loan=loan)
    return world.values | {
        "loan": loan.public_id,
        "payment": Payment.objects.get(loan=loan).public_id,
        "case": case.public_id,
        "file": Evidence.objects.get(case=case).public_id,
        "notice": Notice.objects.filter(user=world.other).latest("pk").public_id,
        "export": factories.export(world.other).public_id,
        "object_id": case.pk,
        "pk": case.pk,
    }


ABSENT = {
    **dict.fromkeys(OBJECTS | {"evidence"}, "zzzzzzzzzzzz"),
    **dict.fromkeys(("number", "pk", "object_id"), 987654),
}


def ask(client: Client, address: Address, method: str, values: dict[str, Any]) -> Seen:
    """One request, undone."""
    path = reverse(address.name, kwargs={name: values[name] for name in address.parameters})
    verb = method.removeprefix("htmx ")
    headers = {"HX-Request": "true"} if verb != method else {}
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        answer = getattr(client, verb)(path, headers=headers)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        transaction.set_rollback(True)
    target = answer.headers.get("Location") or answer.headers.get("HX-Redirect") or ""
    text = CHANCE.sub("…", body.decode(errors="replace").replace(path, "PATH"))
    return Seen(answer.status_code, target.replace(path, "PATH"), text, len(queries))


def differences(
    client: Client, addresses: list[Address], method: str, theirs: list[dict[str, Any]]
) -> dict[str, list[Any]]:
    """Where one of `theirs` is told apart from what is not there."""
    found = {}
    for address in addresses:
        absent = theirs[0] | ABSENT
        ask(client, address, method, absent)  # caches are warm from here on
        seen = [ask(client, address, method, values) for values in (absent, *theirs)]
        if len(set(seen)) > 1:
            found[str(address)] = [
                (one.status, one.target, one.queries, hash(one.body)) for one in seen
            ]
    return found


def client_of(person: Any) -> Client:
    client = Client()
    if person is not None:
        client.force_login(person)
    return client


@pytest.mark.parametrize("method", METHODS)
def test_nothing_of_others_is_told_apart_from_nothing(
    world: World, others: dict[str, Any], method: str
) -> None:
    """Their ids whole, and their children under a parent of one's own."""
    mixed = others | {name: world.values[name] for name in ("payment", "file")}
    mixed["number"] = ABSENT["number"]
    nested = [a for a in OF_SOMEBODY if len(set(a.parameters) & IDS) > 1]
    for person in (None, world.other):
        client = client_of(person)
        assert differences(client, OF_SOMEBODY, method, [world.values]) == {}
        if person is not None:
            own_parent = {"loan": others["loan"], "case": others["case"]}
            for address in nested:
                absent = ask(client, address, method, mixed | ABSENT | own_parent)
                assert ask(client, address, method, mixed) == absent, address


@pytest.mark.parametrize("method", METHODS)
def test_staff_are_told_nothing_on_borrowers_pages(world: World, method: str) -> None:
    addresses = [a for a in OF_SOMEBODY if a.name not in MAY_SEE_ALL]
    for rank in STAFF:
        client = client_of(factories.staff(rank))
        assert differences(client, addresses, method, [world.values]) == {}, rank


@pytest.mark.parametrize("method", ["get", "post", "htmx get"])
def test_the_desk_tells_nobody_else_what_there_is(world: World, method: str) -> None:
    for person in (None, world.owner, world.other):
        assert differences(client_of(person), AT_THE_DESK, method, [world.values]) == {}, person


def test_ones_own_is_there(world: World, others: dict[str, Any]) -> None:
    """Else all of the above would hold of a site that shows nothing."""
    client = client_of(world.other)
    seen = {str(a): ask(client, a, "get", others).status for a in OF_SOMEBODY}

    assert {name: status for name, status in seen.items() if status == 403} == {}
    assert sum(status in {200, 302} for status in seen.values()) > len(seen) // 2
