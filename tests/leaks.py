"""Watches a whole run of the suite for what nobody but its owner may read.

Every log line as it would be written, every error page, every look at /metrics, every e-mail and
the log of every stack is searched for phones, identity numbers, names of borrowers, passwords, the
codes that were just sent, and contents of files. The test in which one turns up fails and says where
(tests/conftest.py); tests/test_leaks.py plants one of each.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from django.core.handlers.base import BaseHandler
from django.core.mail import EmailMessage
from django.db.models.signals import post_save
from django.http import HttpRequest

from portal.core.models import Delivery
from portal.site.demo import cast
from portal.site.logs import LineFormatter
from tests import factories

# Answers that show nothing of anybody; a 409 or 422 gives a form back to whoever filled it in.
ERROR_PAGES = {400, 403, 404, 405, 408, 413, 414, 429, 500, 503}
BORROWERS = {"林晓云", "赵远", *(member.name for member in cast.BORROWERS)}
PLANTED = {
    "phone": r"(?<![\d.])1[3-9]\d{9}(?!\d)",
    "identity number": r"(?<![\dA-Za-z])[1-9]\d{5}(?:19|20)\d{9}[\dX](?![\dA-Za-z])",
    "name": "|".join(sorted(BORROWERS)),
    "password": "|".join(map(re.escape, (factories.PASSWORD, cast.PASSWORD))),
    "contents of a file": r"%PDF-1|%%EOF|\bIHDR\b|\bJFIF\b",
}
_ANY = re.compile("|".join(f"({pattern})" for pattern in PLANTED.values()))
_CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")


class Watch(logging.Handler):
    """Searches what is handed to it; `take` gives what was found since the last time."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(LineFormatter())
        self.codes: set[str] = set()
        self._found: list[str] = []

    def read(self, where: str, text: str) -> None:
        for match in _ANY.finditer(text):
            self._note(where, list(PLANTED)[(match.lastindex or 1) - 1], text, match)
        for match in _CODE.finditer(text) if self.codes else ():
            if match[0] in self.codes:
                self._note(where, "code", text, match)

    def _note(self, where: str, what: str, text: str, match: re.Match[str]) -> None:
        before = text[max(0, match.start() - 80) : match.start()]
        self._found.append(f"{what} in {where}: …{before}[{match[0][:3]}…]")

    def take(self) -> list[str]:
        found, self._found = self._found, []
        self.codes.clear()
        return found

    def emit(self, record: logging.LogRecord) -> None:
        self.read("log", self.format(record))

    def install(self) -> None:
        """Stand where Django writes, answers and sends."""
        logging.getLogger().addHandler(self)
        post_save.connect(self._code_sent, sender=Delivery, weak=False)
        answer, send = BaseHandler.get_response, EmailMessage.send

        def get_response(handler: BaseHandler, request: HttpRequest) -> Any:
            response = answer(handler, request)
            if not response.streaming and (
                response.status_code in ERROR_PAGES or request.path == "/metrics"
            ):
                kind = "metrics" if request.path == "/metrics" else f"page {response.status_code}"
                self.read(f"{kind} {request.path}", response.content.decode(errors="replace"))
            return response

        def watched_send(message: EmailMessage, fail_silently: bool = False) -> int:
            self.read("e-mail", f"{message.subject}\n{message.body}")
            return send(message, fail_silently)

        BaseHandler.get_response = get_response  # type: ignore[method-assign,assignment]
        EmailMessage.send = watched_send  # type: ignore[method-assign]

    def _code_sent(self, instance: Delivery, **kwargs: object) -> None:
        if instance.event == "login_code":
            self.codes |= set(_CODE.findall(instance.text))


WATCH = Watch()
