"""Every page that a borrower or a visitor can stand on: read from the URL configuration, and followed by its links.

Each kind of person opens every address with what is theirs, in every state of a case, and goes on by
the links that only look. A page is worth a look on screen when something stands on it that no page of
its address has had before.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urldefrag, urljoin

from django.test import Client
from django.urls import NoReverseMatch, resolve

from portal.core.models import User
from relief.cases.models import Case
from relief.cases.workflow import State
from tests import factories
from tests.addresses import all_addresses
from tests.screens.crawl import NOT_FOLLOWED, kind_of
from tests.world import World, build_world

AUDIENCES = ("visitor", "borrower")
NOT_OPENED = {"portal:logout"}  # ends the walk
# What makes an element of a page another one: not its words, nor whose it is.
ELEMENT = re.compile(r"<([a-z][a-z0-9]*)\b([^>]*)>")
TELLING = re.compile(r'\b(class|type|role|name|hx-get|hx-post|action)="([^"]*)"')
IDS = re.compile(r"\?.*|\d+|\b[a-z0-9]{12}\b")
# What a case may change: everything of loans and of cases, and the two places that tell of all.
OF_A_CASE = ("loans:", "relief:", "portal:me", "portal:notices")


@dataclass(frozen=True)
class Place:
    """Somebody (None: nobody is logged in) at an address that answers with a whole page."""

    path: str
    user: User | None
    is_new: bool  # has something that no page of this address had before

    @property
    def who(self) -> str:
        return "借款人" if self.user else "访客"

    def __str__(self) -> str:
        return f"{self.who} {self.path}"


def places(audience: str) -> Iterator[Place]:
    """All of an audience; the database stands as a page needs it only until the next one is asked for."""
    known: dict[str, set[str]] = defaultdict(set)  # view -> elements that its pages have had
    for user, starts in _people(audience):
        client = Client()
        if user is not None:
            client.force_login(user)
        opened: set[str] = set()  # addresses, and their kinds
        queue = [*starts]
        while queue:
            path = queue.pop(0)
            if (path if path in starts else kind_of(path)) in opened:
                continue
            opened |= {path, kind_of(path)}
            page = _page(client, path)
            if not page:
                continue
            queue += _links(page, path)
            view = resolve(path.partition("?")[0]).view_name
            new = _elements(page) - known[view]
            known[view] |= new
            yield Place(path, user, bool(new))


def _people(audience: str) -> Iterator[tuple[User | None, list[str]]]:
    """Whoever belongs to an audience, each with the addresses to begin at."""
    world = build_world()
    if audience == "visitor":
        yield None, _addresses(world)
    else:
        yield world.owner, _addresses(world)
        yield factories.borrower(), _addresses(world)  # has nothing yet
        for state in State:
            case = _case(state)
            world.values |= _values(case)
            yield case.borrower, _addresses(world, OF_A_CASE)


def _case(state: State) -> Case:
    return factories.case_at(state, loan=factories.overdue_loan(principal=Decimal("6000.00")))


def _values(case: Case) -> dict[str, Any]:
    file = case.evidence.first()
    ids = {"evidence": file.public_id, "file": file.public_id} if file else {}
    return {"loan": case.loan.public_id, "case": case.public_id, "pk": case.pk, **ids}


def _addresses(world: World, names: tuple[str, ...] = ("",)) -> list[str]:
    """Every address whose name begins so and that can be filled; the desk is walked by other tests."""
    paths = []
    for address in all_addresses():
        if not address.name.startswith(names) or address.name in NOT_OPENED:
            continue
        if address.is_desk:
            continue
        try:
            paths.append(world.path_of(address))
        except (KeyError, NoReverseMatch):
            continue
    return paths


def _page(client: Client, path: str) -> str:
    """The whole page there; nothing where there is none."""
    answer = client.get(path)
    kind = answer.headers.get("Content-Type", "")
    if answer.status_code != 200 or answer.streaming or not kind.startswith("text/html"):
        return ""
    page = answer.content.decode()
    return page if "<!doctype html>" in page[:200].lower() else ""


def _links(page: str, path: str) -> list[str]:
    found = re.findall(r'<a\b[^>]*\bhref="([^"]*)"', page)
    whole = [urldefrag(urljoin(path, html.unescape(link))).url for link in found]
    return [link for link in whole if link.startswith("/") and not NOT_FOLLOWED.search(link)]


def _elements(page: str) -> set[str]:
    body = page.partition("<body")[2]
    return {
        " ".join([tag, *(IDS.sub("…", value) for _, value in TELLING.findall(attributes))])
        for tag, attributes in ELEMENT.findall(body)
    }
