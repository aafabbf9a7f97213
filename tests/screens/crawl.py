"""Finds the pages of the product as people do: from where each begins, by every link that only looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin, urlsplit

from tests.journeys.people import Person

MOST_PAGES = 60  # for one person
NOT_FOLLOWED = re.compile(
    r"/logout/|\.(csv|pdf|ics|xlsx)$|certificate|/files?/|/demo/|jsi18n|/delete/|[?&](file|o|p)="
)
IDS = re.compile(r"(?<=/)(?:\d+|[a-z0-9]{12}|[0-9a-f-]{32,36})(?=/|$)")


@dataclass(frozen=True)
class Crawler:
    """A member of the demo's cast ("" for somebody who is not logged in) and where they begin."""

    account: str
    starts: tuple[str, ...]
    is_staff: bool = False


PUBLIC = ("/login/?by=code", "/login/?by=password", "/login/?by=passkey", "/register/")
PUBLIC += ("/login/reset/", "/verify/", "/help/")
BORROWER = ("/me/", "/jiebei/", "/relief/", "/service/", "/me/notices/", "/me/settings/")
BORROWER += ("/help/", "/verify/")
DESK = ("/admin/", "/admin/relief/case/", "/admin/loans/loan/", "/admin/portal/phonetask/")
CRAWLERS = (
    Crawler("", PUBLIC),
    *(Crawler(f"138000000{n:02}", BORROWER) for n in range(1, 11)),
    Crawler("manager", DESK, is_staff=True),
    Crawler("auditor", DESK, is_staff=True),
)


def pages_of(person: Person, starts: tuple[str, ...]) -> Iterator[str]:
    """Open one page of each kind, places before their filters; its address is handed out meanwhile."""
    seen: set[str] = set()
    opened = 0
    queue = list(starts)
    while queue and opened < MOST_PAGES:
        path = queue.pop(next((at for at, link in enumerate(queue) if "?" not in link), 0))
        if (path if path in starts else kind_of(path)) in seen:
            continue
        seen |= {path, kind_of(path)}
        opened += 1
        person.go(path)
        queue += links_of(person)
        yield path


def links_of(person: Person) -> list[str]:
    """Links of the page to this host that only look, without fragments."""
    found = person.page.locator("a[href]").evaluate_all(
        "all => all.map(a => a.getAttribute('href'))"
    )
    whole = [urldefrag(urljoin(person.page.url, link)).url for link in found]
    own = [link.removeprefix(person.address) for link in whole if link.startswith(person.address)]
    return [link for link in own if not NOT_FOLLOWED.search(link)]


def kind_of(path: str) -> str:
    """Pages that differ only in whose they are, or in a filter's value, are one kind."""
    parts = urlsplit(path)
    keys = sorted(re.findall(r"([a-z_]+)=", parts.query))
    return IDS.sub("…", parts.path) + ("?" + "&".join(keys) if keys else "")
