"""Somebody's authenticator app, by RFC 6238 from the standard library: a second opinion on the codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time
from dataclasses import dataclass

from django.test import Client
from django.urls import reverse

STEP = 30  # seconds
KEY = re.compile(r'id="factor-key">([A-Z2-7 ]+)<')
CODES = re.compile(r"<li>([A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4})</li>")


@dataclass
class App:
    """Shows the code of each half minute for one key."""

    key: bytes

    @classmethod
    def from_page(cls, page: str) -> App:
        """The key as the page of enrolment spells it for typing."""
        found = KEY.search(page)
        assert found, "no key on the page"
        return cls(base64.b32decode(found[1].replace(" ", "")))

    def code(self, *, steps: int = 0) -> str:
        """The code of now, or of so many half minutes later."""
        step = int(time.time()) // STEP + steps
        digest = hmac.new(self.key, struct.pack(">Q", step), hashlib.sha1).digest()
        start = digest[-1] & 15
        number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
        return f"{number % 10**6:06d}"

    def wrong_code(self) -> str:
        """Six digits that are none of the codes near now."""
        near = {self.code(steps=steps) for steps in range(-3, 4)}
        return next(f"{n:06d}" for n in range(10) if f"{n:06d}" not in near)


def recovery_codes(page: str) -> list[str]:
    """The recovery codes that a page shows."""
    return CODES.findall(page)


def enrol(client: Client) -> tuple[App, list[str]]:
    """Bind an app after the first right password: the app, and the recovery codes that were shown."""
    page = reverse("admin:factor-enrol")
    app = App.from_page(client.get(page).content.decode())
    # The code of half a minute ago, so that the present one is still unused.
    shown = client.post(page, {"code": app.code(steps=-1)}).content.decode()
    return app, recovery_codes(shown)
