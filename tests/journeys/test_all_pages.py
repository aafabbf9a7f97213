"""Every page that a link leads to, as several people: whole, quiet, of this host, usable by all.

Runs before the journeys that move the clock (by its name): the cast stands as it was seeded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser

from portal.site.demo import cast
from tests.journeys import doings
from tests.journeys.people import Person
from tests.screens import layout
from tests.screens.crawl import CRAWLERS, Crawler, pages_of
from tests.screens.wording import english, mixed_dates
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LOGIN_NAMES = {member.account for member in cast.STAFF}
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")


@pytest.mark.timeout(900)  # sixty pages of the desk, each in three sizes
@pytest.mark.parametrize("crawler", CRAWLERS, ids=[c.account or "nobody" for c in CRAWLERS])
def test_every_link_leads_to_a_whole_page(
    stack: Stack, arrive: Callable[..., Person], crawler: Crawler
) -> None:
    """Whole, and right at 320 px, with type of 200 %, in 大字模式, at 1280 px; the desk in Chinese."""
    person = arrive(desk=crawler.is_staff)
    if crawler.account:
        doings.become(person, crawler.account)
    # The names to log in with: staff know them, the demo's login page shows them, borrowers never.
    logins = set() if crawler.account and not crawler.is_staff else LOGIN_NAMES
    found: list[str] = []
    opened = 0
    for path in pages_of(person, crawler.starts):
        opened += 1
        sizes = layout.DESK if crawler.is_staff else layout.PHONE
        found += [f"{path} {flaw}" for flaw in layout.flaws(person.page, sizes)]
        found += [f"{path} not Chinese: {text}" for text in english(person.page, logins)]
        found += [f"{path} dates in two ways: {text}" for text in mixed_dates(person.page)]
    assert not found, "\n".join(found)
    assert opened > 8
    doings.books_are_whole(stack) if crawler == CRAWLERS[-1] else None


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
