"""A borrower over real HTTP: the visitor, plus uploads, hidden fields and what an answer means."""

from __future__ import annotations

import html
import re
import secrets
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.chaos.journal import FAIL, OK, UNKNOWN
from tests.factories import PASSWORD
from tests.visitor import TOKEN, Page, Visitor

INPUT = re.compile(r"<input\b[^>]*>")
ALERT = re.compile(r'role="alert"[^>]*>(.*?)</(?:div|section|p)>', re.DOTALL)
ATTRIBUTE = re.compile(r'\b(name|value)="([^"]*)"')


@dataclass
class Person(Visitor):
    """One person's session; logs in again when it was lost. `hear` gets address, status and text of each answer."""

    hear: Callable[[str, int, str], None] = lambda address, status, text: None

    def sign_in(self, phone: str) -> bool:
        page = self.get("/login/?by=password")
        fields = hidden(page) | {"account": phone, "phone": phone, "password": PASSWORD}
        fields |= {"by": "password", "agree": "on"}
        answer = self.submit("/login/", fields, page)
        return "/login/" not in answer.url

    def submit(
        self, path: str, fields: dict[str, str], page: Page, *, headers: Mapping[str, str] = {}
    ) -> Page:
        """Post a form with the token of the page that was read before."""
        more = self._headers(path) | dict(headers)
        return self._send(urllib.request.Request(self._url(path), body_of(fields, page), more))

    def download(
        self, path: str, fields: dict[str, str] | None = None, page: Page | None = None
    ) -> bytes:
        """A file, byte by byte; posted for with the token of `page`. HTTPError where it is refused."""
        body = body_of(fields or {}, page) if page else None
        request = urllib.request.Request(self._url(path), body, self._headers(path))
        with self.opener.open(request, timeout=60) as answer:
            return bytes(answer.read())

    def upload(
        self,
        path: str,
        fields: dict[str, str],
        name: str,
        data: bytes,
        page: Page,
        *,
        headers: Mapping[str, str] = {},
    ) -> Page:
        """Post one file as a browser does."""
        found, line = TOKEN.search(page.text), secrets.token_hex(12)
        values = {**fields, "csrfmiddlewaretoken": found[1] if found else ""}
        parts = [
            f'--{line}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in values.items()
        ]
        head = f'--{line}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        parts += [head.encode(), b"Content-Type: image/jpeg\r\n\r\n", data]
        parts.append(f"\r\n--{line}--\r\n".encode())
        more = self._headers(path) | {"Content-Type": f"multipart/form-data; boundary={line}"}
        more |= headers
        return self._send(urllib.request.Request(self._url(path), b"".join(parts), more))

    def _send(self, request: urllib.request.Request) -> Page:
        page = super()._send(request)
        self.hear(page.url, page.status, page.text)
        return page

    def _headers(self, path: str) -> dict[str, str]:
        return {"Referer": self._url(path), "Origin": self.address}


def body_of(fields: dict[str, str], page: Page) -> bytes:
    """A form with the token of the page that was read before."""
    token = TOKEN.search(page.text)
    values = {**fields, "csrfmiddlewaretoken": token[1] if token else ""}
    return urllib.parse.urlencode(values).encode()


def hidden(page: Page) -> dict[str, str]:
    """Names and values of the page's inputs, as they stand."""
    found = (dict(ATTRIBUTE.findall(tag)) for tag in INPUT.findall(page.text))
    return {
        tag["name"]: html.unescape(tag.get("value", ""))
        for tag in found
        if "name" in tag and tag["name"] != "csrfmiddlewaretoken"
    }


def alerts(page: Page) -> str:
    """What the page says went wrong, without its marks."""
    found = (re.sub(r"<[^>]*>", "", alert) for alert in ALERT.findall(page.text))
    return html.unescape(" ".join(" ".join(found).split()))


def outcome(answer: Page, *, done: bool) -> str:
    """ok when the page says so, fail when it was refused plainly, unknown when it broke."""
    if answer.status >= 500:
        return UNKNOWN
    return OK if done else FAIL
