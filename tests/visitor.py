"""A visitor without a browser: cookies, links and forms over real HTTP, for benches and faults."""

from __future__ import annotations

import html
import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass
class Page:
    """What came back: final address, status and text."""

    url: str
    status: int
    text: str

    def links(self, pattern: str) -> list[str]:
        """Addresses of the page's links that match a regular expression, in order, once each."""
        found = (html.unescape(link) for link in re.findall(r'href="([^"]+)"', self.text))
        return list(dict.fromkeys(link for link in found if re.search(pattern, link)))


@dataclass
class Visitor:
    """One person's session with the site at `address`."""

    address: str
    cookies: http.cookiejar.CookieJar = field(default_factory=http.cookiejar.CookieJar)

    def __post_init__(self) -> None:
        handler = urllib.request.HTTPCookieProcessor(self.cookies)
        self.opener = urllib.request.build_opener(handler)

    def get(self, path: str, headers: Mapping[str, str] = {}) -> Page:
        """Open a page, redirects followed."""
        return self._send(urllib.request.Request(self._url(path), headers=dict(headers)))

    def post(self, path: str, values: dict[str, str], *, token_from: str = "") -> Page:
        """Post a form; its token is taken from the page at `token_from` (default: the same)."""
        found = TOKEN.search(self.get(token_from or path).text)
        fields = {**values, "csrfmiddlewaretoken": found[1] if found else ""}
        body = urllib.parse.urlencode(fields).encode()
        headers = {"Referer": self._url(path), "Origin": self.address}
        return self._send(urllib.request.Request(self._url(path), data=body, headers=headers))

    def _url(self, path: str) -> str:
        return urllib.parse.urljoin(self.address, path)

    def _send(self, request: urllib.request.Request) -> Page:
        try:
            with self.opener.open(request, timeout=60) as answer:
                return Page(answer.url, answer.status, answer.read().decode(errors="replace"))
        except urllib.error.HTTPError as problem:
            with problem:
                text = problem.read().decode(errors="replace")
                return Page(problem.url or request.full_url, problem.code, text)
