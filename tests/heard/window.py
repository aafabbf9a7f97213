"""A real browser whose server is Django's test client: any state of the tests' own database on screen.

The browser asks for addresses of http://testserver; each request is answered in this process, so
that a page can be shown, used and undone in a moment, and no two tests meet.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from copy import deepcopy
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.contrib.staticfiles import finders
from django.db import transaction
from django.test import Client
from playwright.sync_api import Browser, Page, Request, Route, expect

from portal.core.models import User

HOST = "http://testserver"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
PATIENCE = 30_000  # milliseconds, on a machine with much else to do
IN_FLIGHT = ".htmx-request, .htmx-swapping, .htmx-settling"
# Pages are led on by themselves: a redirect that is made up here would leave this process.
ON_THE_WAY = "…"
ONWARD = f"<!doctype html><title>{ON_THE_WAY}</title>"
ONWARD += '<meta http-equiv="refresh" content="0;url={}">'


@dataclass
class Window:
    """One person's window; `answers` has (method, path, status) of everything it asked for."""

    page: Page
    client: Client
    answers: list[tuple[str, str, int]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    on_their_way: set[Request] = field(default_factory=set)
    is_offline: bool = False

    def go(self, path: str) -> int:
        """Open an address; its status."""
        self.page.goto(HOST + path)
        expect(self.page).not_to_have_title(ON_THE_WAY, timeout=PATIENCE)
        return self.answers[-1][2] if self.answers else 0

    def press(self, name: str) -> None:
        """Press the visible button or link with these words, and wait for what comes."""
        button = self.page.get_by_role("button", name=name)
        link = self.page.get_by_role("link", name=name)
        button.or_(link).locator("visible=true").first.click()
        self.settle()

    def settle(self) -> None:
        """Until nothing is on its way and all of it has settled."""
        quiet = 0
        while quiet < 3:  # a form asks first, then leaves; a page asks again once it has come
            self.page.wait_for_timeout(15)
            quiet = 0 if self.on_their_way else quiet + 1
        expect(self.page.locator(IN_FLIGHT)).to_have_count(0, timeout=PATIENCE)

    def ask(self, request: Request) -> Any:
        """What the test client answers to the browser's request, redirects of fragments followed."""
        parts = urlsplit(request.url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {k: v for k, v in request.headers.items() if k not in {"cookie", "content-type"}}
        kind = request.headers.get("content-type", "")
        body = request.post_data_buffer or b""
        answer = self.client.generic(request.method, path, body, kind, headers=headers)
        for _ in range(5):
            if request.is_navigation_request() or not 300 <= answer.status_code < 400:
                break
            onward = urljoin(path, answer["Location"])
            answer = self.client.get(onward, headers=headers)
        self.answers.append((request.method, path, answer.status_code))
        return answer

    def serve(self, route: Route) -> None:
        """Answer one request of the browser."""
        request = route.request
        path = urlsplit(request.url).path
        if self.is_offline:
            route.abort("internetdisconnected")
        elif not request.url.startswith(HOST):
            self.complaints.append(f"asks another host: {request.url}")
            route.abort()
        elif path.startswith("/static/"):
            found = finders.find(path.removeprefix("/static/"))
            route.fulfill(
                status=HTTPStatus.OK if found else HTTPStatus.NOT_FOUND,
                content_type=mimetypes.guess_type(path)[0] or "text/plain",
                body=Path(str(found)).read_bytes() if found else b"",
            )
        else:
            self._fulfil(route, self.context.run(self.ask, request))

    def _fulfil(self, route: Route, answer: Any) -> None:
        onward = answer.headers.get("Location")
        if onward and 300 <= answer.status_code < 400:
            route.fulfill(content_type="text/html", body=ONWARD.format(onward))
            return
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        route.fulfill(
            status=answer.status_code,
            headers={k: v for k, v in answer.headers.items() if k.lower() != "set-cookie"},
            body=content,
        )

    def keep_clock(self) -> None:
        """From now on the server has the clock that the test has stopped."""
        self.context = copy_context()

    def __post_init__(self) -> None:
        self.keep_clock()
        self.page.on("request", lambda request: self.on_their_way.add(request))
        for end in ("requestfinished", "requestfailed"):
            self.page.on(end, lambda request: self.on_their_way.discard(request))
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))


@contextmanager
def offline(window: Window) -> Iterator[None]:
    """In between the line is down, and the browser knows it."""
    window.is_offline = True
    window.page.context.set_offline(True)
    yield
    window.page.context.set_offline(False)
    window.is_offline = False


@contextmanager
def undone(window: Window) -> Iterator[None]:
    """What is sent in between never was."""
    cookies = deepcopy(window.client.cookies)
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    window.client.cookies = cookies


def open_window(browser: Browser, user: User | None = None, *, desk: bool = False) -> Window:
    """A window of somebody who is logged in, or of nobody."""
    client = Client()
    if user is not None:
        client.force_login(user)
    context = browser.new_context(
        viewport=DESKTOP if desk else PHONE,
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        bypass_csp=True,  # so that axe can be put into the page
    )
    context.set_default_timeout(PATIENCE)
    window = Window(context.new_page(), client)
    context.route("**/*", window.serve)
    return window
