"""Every page that a link leads to, as several people: whole, quiet, of this host, usable by all.

Runs before the journeys that move the clock (by its name): the cast stands as it was seeded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import axe_playwright_python
import pytest
from playwright.sync_api import Browser

from tests.journeys import doings
from tests.journeys.people import Person
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
MOST_PAGES = 40  # for one person
NOT_FOLLOWED = re.compile(
    r"/logout/|\.(csv|pdf|ics)$|certificate|/files?/|/demo/|jsi18n|/delete/|[?&](file|o|p)="
)
IDS = re.compile(r"(?<=/)(?:\d+|[a-z0-9]{12}|[0-9a-f-]{32,36})(?=/|$)")
BORROWER_STARTS = ["/me/", "/jiebei/", "/relief/", "/service/", "/me/notices/", "/me/settings/"]
BORROWER_STARTS += ["/help/", "/verify/"]
DESK_STARTS = ["/admin/", "/admin/relief/case/", "/admin/loans/loan/", "/admin/portal/phonetask/"]
CRAWLERS = [
    ("13800000001", False, BORROWER_STARTS),
    ("13800000003", False, BORROWER_STARTS),
    ("13800000004", False, BORROWER_STARTS),
    ("13800000005", False, BORROWER_STARTS),
    ("13800000006", False, BORROWER_STARTS),
    ("13800000008", False, BORROWER_STARTS),
    ("13800000010", False, BORROWER_STARTS),
    ("manager", True, DESK_STARTS),
    ("auditor", True, DESK_STARTS),
]


@pytest.mark.parametrize(("account", "desk", "starts"), CRAWLERS, ids=[c[0] for c in CRAWLERS])
def test_every_link_leads_to_a_whole_page(
    stack: Stack, arrive: Callable[..., Person], account: str, desk: bool, starts: list[str]
) -> None:
    person = arrive(desk=desk)
    doings.become(person, account)
    seen: set[str] = set()
    queue = list(starts)
    while queue and len(seen) < MOST_PAGES:
        path = queue.pop(0)
        if kind_of(path) in seen:
            continue
        seen.add(kind_of(path))
        person.go(path)
        queue += links_of(person)
    assert len(seen) > 8
    doings.books_are_whole(stack) if account == CRAWLERS[-1][0] else None


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


# --- Accessibility: axe-core on the main pages, in both colour schemes ------------------------------

LOOKS = [
    ("", False, ["/login/", "/register/", "/verify/", "/demo/"]),
    ("13800000001", False, ["/me/", "/jiebei/", "penalty", "repay", "/service/", "apply"]),
    ("13800000003", False, ["case", "offer", "accept", "reject", "/me/settings/", "/me/notices/"]),
    ("13800000002", False, ["/me/settings/export/", "/me/settings/erasure/"]),
    ("13800000004", False, ["case", "plan", "agreement", "/jiebei/"]),
    ("13800000008", False, ["case", "supply"]),
    ("manager", True, ["/admin/", "/admin/relief/case/", "desk-case", "desk-paper"]),
]
WITHIN = {  # where a short word leads: the page to begin at, and the link to take there
    "penalty": ("/jiebei/", "penalty/"),
    "repay": ("/jiebei/", "repay/"),
    "apply": ("/service/apply/", ""),
    "case": ("/relief/", ""),
    "offer": ("case", "/offers/"),
    "accept": ("offer", "/accept/"),
    "reject": ("offer", "/reject/"),
    "plan": ("case", "/plan/"),
    "agreement": ("case", "/agreement/"),
    "supply": ("case", "/evidence/"),
    "desk-case": ("/admin/relief/case/", "/change/"),
    "desk-paper": ("desk-case", "?file="),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_main_pages_have_no_serious_barrier(stack: Stack, browser: Browser, scheme: Any) -> None:
    found: list[str] = []
    for account, desk, places in LOOKS:
        context = browser.new_context(
            base_url=stack.address,
            viewport={"width": 1280, "height": 800} if desk else {"width": 390, "height": 844},
            color_scheme=scheme,
            locale="zh-CN",
            bypass_csp=True,  # only so that axe can be put into the page
        )
        person = Person(context.new_page(), stack.address)
        if account:
            doings.become(person, account)
        for place in places:
            reach(person, place)
            found += [f"{account} {person.page.url} {line}" for line in barriers(person)]
        context.close()
    assert found == []


def reach(person: Person, place: str) -> None:
    """Open an address, or the place that a short word names."""
    if place.startswith("/"):
        person.go(place)
        return
    before, part = WITHIN[place]
    if place == "case":
        person.go("/relief/")
        link = person.page.locator("main a[href^='/relief/']").first
    elif place == "apply":
        person.go("/jiebei/")
        loan = person.page.locator("main a[href*='/penalty/']").first.get_attribute("href") or ""
        person.go(f"/service/apply/{loan.split('/')[2]}/")
        return
    else:
        reach(person, before)
        link = person.page.locator(f"a[href*='{part}']").first
    person.go(link.get_attribute("href") or "")


def barriers(person: Person) -> list[str]:
    """What axe calls serious or critical on the page."""
    person.page.evaluate(AXE.read_text())
    answer: dict[str, Any] = person.page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then("
        "r => ({all: r.violations.map(v => ({id: v.id, impact: v.impact,"
        " nodes: v.nodes.map(n => n.target.join(' ') + ' ' + (n.any[0] || {}).message)}))}))"
    )
    return [
        f"{one['id']}: {node}"
        for one in answer["all"]
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"][:4]
    ]
