"""Everywhere outside of the desk: no barrier, the focus is never lost, and an error stands at its field.

At every place (tests/heard/places.py) each kind of control is used once, by keys, and what was done is
undone: whatever asks for a fragment, and every button that sends a form, with the form as it stands,
with nothing in it and with nonsense; and what was typed is sent once while the line is down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import TimeoutError

from portal.core.models import User
from tests.heard.conftest import OpenWindow
from tests.heard.places import AUDIENCES, Place, places
from tests.heard.window import Window, offline, undone

pytestmark = [
    *(pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db, pytest.mark.timeout(1800)),
]
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
LOOK = Path(__file__).with_name("look.js")
LEAST = {"visitor": (6, 15, 7), "borrower": (90, 60, 15)}  # places, uses, forms sent without a line
REFUSALS = {409, 422}


@dataclass
class Walk:
    """One audience's way through the product, and what was found on it."""

    window_of: OpenWindow
    windows: dict[User | None, Window] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    looked_at: set[str] = field(default_factory=set)  # elements that axe has seen
    found: list[str] = field(default_factory=list)
    typed_offline: int = 0

    def visit(self, place: Place) -> None:
        """Look at the place, then use every control there that is new."""
        if place.user not in self.windows:
            self.windows[place.user] = window = self.window_of(place.user)
            window.page.emulate_media(reduced_motion="reduce")  # what axe measures does not fade
            window.page.add_init_script(path=AXE)
            window.page.add_init_script(path=LOOK)
        window = self.windows[place.user]
        window.go(place.path)
        self.look(window, str(place))
        asking, sending = (
            window.page.evaluate(f"heard.{which}()") for which in ("asking", "sending")
        )
        for kind in asking:
            if self.is_new(f"ask {kind}"):
                with undone(window):
                    self.ask(window, place, kind)
        for kind, ways in sending:
            if self.is_new(f"offline {kind}"):
                self.lose_the_line(window, place, kind)
            for way in ways:
                if self.is_new(f"{way} {kind}"):
                    with undone(window):
                        window.go(place.path)
                        self.send(window, f"{place} [{kind}]", kind, way)

    def lose_the_line(self, window: Window, place: Place, kind: str) -> None:
        """Send what was typed while the line is down: page and words stay, somebody is told."""
        window.go(place.path)
        with offline(window):
            if not window.page.evaluate("kind => heard.typeAndSend(kind)", kind):
                return
            toast = window.page.locator(".toast:visible, .msg.failed:visible").first
            try:
                toast.wait_for(timeout=5000)
            except TimeoutError:
                self.found.append(f"{place} [{kind}]: offline, and nobody is told")
            self.typed_offline += 1
            if lost := window.page.evaluate("heard.gone()"):
                self.found.append(f"{place} [{kind}]: offline, and lost {lost}")

    def is_new(self, use: str) -> bool:
        is_new = use not in self.used
        self.used.add(use)
        return is_new

    def look(self, window: Window, where: str) -> None:
        """What axe finds, where something stands that it has not seen."""
        elements = set(window.page.evaluate("heard.elements()"))
        if elements - self.looked_at:
            self.looked_at |= elements
            self.found += [f"{where}: {line}" for line in window.page.evaluate("heard.barriers()")]

    def ask(self, window: Window, place: Place, kind: str) -> None:
        """Use what asks for a fragment; then what stands in the sheet that it opens."""
        where = f"{place} [{kind}]"
        window.go(place.path)
        self.use(window, where, kind)
        if not window.page.locator("#sheet[open]").count():
            return
        for inner, ways in window.page.evaluate("heard.sending()"):
            for way in ways:
                if self.is_new(f"sheet {way} {inner}"):
                    with undone(window):
                        window.go(place.path)
                        self.use(window, where, kind)
                        self.send(window, f"{where} [{inner}]", inner, way)

    def use(self, window: Window, where: str, kind: str) -> None:
        control = window.page.evaluate("kind => heard.goTo(kind)", kind)
        if not control["has"]:
            self.found.append(f"{where}: cannot have the focus")
            return
        window.page.keyboard.press(control["key"])
        window.page.wait_for_timeout(control["wait"])
        self.settled(window, where)

    def send(self, window: Window, where: str, kind: str, way: str) -> None:
        """Send a form in one way, and see that what is refused is told at its field until it is mended."""
        before = len(window.answers)
        if not window.page.evaluate("([kind, way]) => heard.send(kind, way)", [kind, way]):
            return
        self.settled(window, f"{where} {way}")
        posted = [status for method, _, status in window.answers[before:] if method == "POST"]
        is_refused = bool(posted) and posted[-1] in REFUSALS
        lines = window.page.evaluate("refused => heard.flaws(refused)", is_refused)
        lines += window.page.evaluate("heard.mended()")
        self.found += [f"{where} {way}: {line}" for line in lines]

    def settled(self, window: Window, where: str) -> None:
        """What must be so whenever something has come."""
        window.settle()
        if lost := window.page.evaluate("heard.lost()"):
            self.found.append(f"{where}: the focus {lost}")
        self.look(window, where)


@pytest.mark.parametrize("audience", AUDIENCES)
def test_everywhere(window_of: OpenWindow, frozen: object, settings: Any, audience: str) -> None:
    settings.STEP_UP_MINUTES = 600  # the walk is longer than a visit
    walk = Walk(window_of)
    visited = 0
    for place in places(audience):
        if place.is_new:
            visited += 1
            walk.visit(place)
    assert walk.found == [], "\n".join(walk.found)
    places_least, uses_least, offline_least = LEAST[audience]
    assert visited >= places_least
    assert len(walk.used) >= uses_least
    assert walk.typed_offline >= offline_least
