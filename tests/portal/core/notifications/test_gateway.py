"""The HTTP gateway: what we sign and send, and what each answer means."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from portal.core.models import Delivery, Notice
from portal.core.notifications.channels import gateway
from portal.core.notifications.channels.base import SendFailed, SendResult
from tests.portal.core.notifications.conftest import NOON

pytestmark = pytest.mark.django_db
KEY = "a-key-of-thirty-two-characters-or-more"
Say = Callable[..., Notice]


class Stub(ThreadingHTTPServer):
    """A gateway that answers `status` and `body`, and remembers what it was asked."""

    status, body = 200, b'{"reference": "theirs-1"}'
    location = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: list[tuple[dict[str, str], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    server: Stub

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        self.server.calls.append((dict(self.headers), self.rfile.read(size)))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def stub(settings: Any) -> Iterator[Stub]:
    with Stub() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        settings.SMS_HTTP_URL = f"http://127.0.0.1:{server.server_port}/sms"
        settings.SMS_HTTP_KEY = KEY
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def row(say: Say) -> Delivery:
    say()
    return Delivery.objects.get()


def test_our_id_and_words_are_sent_and_signed(stub: Stub, row: Delivery) -> None:
    assert gateway.GatewaySms().send(row, now=NOON) == SendResult(reference="theirs-1")

    [(headers, body)] = stub.calls
    assert json.loads(body) == {"reference": str(row.public_id), "to": row.to, "text": row.text}
    signed = headers["X-Timestamp"].encode() + b"." + body
    assert headers["X-Signature"] == hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("body", [b"", b"taken", b"[1]", b"{}"])
def test_taken_is_taken_whatever_else_it_says(stub: Stub, row: Delivery, body: bytes) -> None:
    stub.body = body

    assert gateway.GatewaySms().send(row, now=NOON) == SendResult()


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, True), (403, True), (302, True), (408, False), (429, False), (500, False), (503, False)],
)
def test_a_refusal_is_for_ever_or_for_now(
    stub: Stub, row: Delivery, status: int, permanent: bool
) -> None:
    stub.status, stub.location = status, "http://127.0.0.1:9/elsewhere" if status == 302 else ""

    with pytest.raises(SendFailed) as failed:
        gateway.GatewaySms().send(row, now=NOON)

    assert (failed.value.permanent, failed.value.reason) == (permanent, f"HTTP {status}")


def test_nobody_there_is_for_now(stub: Stub, row: Delivery, settings: Any) -> None:
    settings.SMS_HTTP_URL = "http://127.0.0.1:9/sms"

    with pytest.raises(SendFailed) as failed:
        gateway.GatewaySms().send(row, now=NOON)

    assert not failed.value.permanent
