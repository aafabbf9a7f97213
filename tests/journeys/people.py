"""A person at the screen, and the watch over every page they see."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, Request, Response, expect

INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|<style\b|\sstyle=\"|\son[a-z]+=\"", re.I)


@dataclass
class Person:
    """One browser window. `complaints` collects what no page of the product may ever do."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    refusals_expected: bool = False

    def __post_init__(self) -> None:
        self.page.on("request", self._no_other_host)
        self.page.on("response", self._no_failure_and_no_inline)
        self.page.on("console", self._no_console_error)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("dialog", lambda dialog: dialog.accept())

    def go(self, path: str) -> None:
        """Open an address and look at the page."""
        try:
            self.page.goto(path)
        except Error as gone:  # the page was just on its way to another by itself
            if "ERR_ABORTED" not in gone.message and "interrupted" not in gone.message:
                raise
            self.page.wait_for_load_state()
            self.page.goto(path)
        self.look()

    def look(self) -> None:
        """One h1 on the page, whatever it is."""
        heading = self.page.locator("h1")
        try:
            expect(heading).to_have_count(1)  # waits: the page may just be coming
        except AssertionError:
            self.complaints.append(f"{self.page.url}: {heading.count()} h1")

    def press(self, name: str, *, exact: bool = False) -> None:
        """Press the visible button or link with these words, and look at what comes."""
        self.find(name, exact=exact).click()
        self.settle()

    def find(self, name: str, *, exact: bool = False) -> Locator:
        """The first visible button or link with these words."""
        button = self.page.get_by_role("button", name=name, exact=exact)
        link = self.page.get_by_role("link", name=name, exact=exact)
        return button.or_(link).locator("visible=true").first

    def settle(self) -> None:
        """Wait until the page has stopped loading, then look at it."""
        expect(self.page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
        expect(self.page.locator("form[data-sending]")).to_have_count(0)  # asks first, then leaves
        self.page.wait_for_load_state("networkidle")
        self.look()

    def fill(self, label: str, value: str) -> None:
        """Type into the field with this label."""
        self.page.get_by_label(label, exact=False).locator("visible=true").first.fill(value)

    def sees(self, text: str) -> None:
        """The words are on the page."""
        expect(self.page.locator("body")).to_contain_text(text)

    def figure(self, name: str, index: int = 0) -> str:
        """The plain decimal of a money mark of the contract."""
        mark = self.page.locator(f'data[data-field="{name}"]').nth(index)
        return mark.get_attribute("value") or ""

    def figure_or_nothing(self, name: str) -> str:
        """The same; 0 where the page has no such mark."""
        mark = self.page.locator(f'data[data-field="{name}"]')
        return self.figure(name) if mark.count() else "0"

    def state(self) -> str:
        """The case's state as the page marks it."""
        mark = self.page.locator('[data-field="case-state"]').first
        return mark.get_attribute("data-value") or ""

    def _no_other_host(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:", "about:")):
            self.complaints.append(f"asks another host: {request.url}")

    def _no_failure_and_no_inline(self, response: Response) -> None:
        if response.status >= 400 and not self.refusals_expected:
            self.complaints.append(f"{response.status} {response.request.method} {response.url}")
        if "text/html" in response.headers.get("content-type", "") and response.status < 300:
            try:
                found = INLINE.search(response.text())
            except Error:  # navigated away from, so the browser keeps it no more
                return
            if found and "/admin/jsi18n" not in response.url:
                self.complaints.append(f"inline in {response.url}: {found[0]}")

    def _no_console_error(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not self.refusals_expected:
            self.complaints.append(f"console: {message.text}")
