"""Any SMS gateway that speaks HTTP: one signed JSON request a message (SMS_BACKEND=http).

POST SMS_HTTP_URL, body {"reference", "to", "text"}, headers X-Timestamp (seconds since 1970) and
X-Signature: HMAC-SHA256 with SMS_HTTP_KEY over `<timestamp>.<body>`, in hex. `reference` is our
id: a gateway that has it already must answer as it did then and send nothing. 2xx means taken,
with {"reference": "<theirs>"}; 408, 425, 429 and 5xx mean later; other answers never.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from datetime import datetime
from typing import Any

from django.conf import settings

from portal.core import clock
from portal.core.models import Delivery
from portal.core.notifications.channels.base import SendFailed, SendResult

SECONDS = 8  # to connect, and for each silence while it answers
LATER = frozenset({408, 425, 429})
LONGEST_ANSWER = 64 * 1024


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A gateway that sends us elsewhere is set up wrongly: the text stays here."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


class GatewaySms:
    """Hands messages to the gateway at SMS_HTTP_URL."""

    def send(self, delivery: Delivery, *, now: datetime) -> SendResult:
        try:
            with _opener.open(request_for(delivery), timeout=SECONDS) as answer:
                body = answer.read(LONGEST_ANSWER)
        except urllib.error.HTTPError as refused:
            with refused:
                may_retry = refused.code in LATER or refused.code >= 500
                raise SendFailed(f"HTTP {refused.code}", permanent=not may_retry) from refused
        except OSError as problem:  # no connection, no answer in time, a broken one
            raise SendFailed(type(problem).__name__, permanent=False) from problem
        return SendResult(reference=_their_reference(body))


def request_for(delivery: Delivery) -> urllib.request.Request:
    """The signed request of one message."""
    message = {"reference": str(delivery.public_id), "to": delivery.to, "text": delivery.text}
    body = json.dumps(message, ensure_ascii=False).encode()
    timestamp = str(int(clock.real_now().timestamp()))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "X-Timestamp": timestamp,
        "X-Signature": signature_of(timestamp, body),
    }
    return urllib.request.Request(settings.SMS_HTTP_URL, body, headers)


def signature_of(timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of `<timestamp>.<body>` in hex."""
    text = timestamp.encode() + b"." + body
    return hmac.new(settings.SMS_HTTP_KEY.encode(), text, hashlib.sha256).hexdigest()


def _their_reference(body: bytes) -> str:
    """What the gateway calls the message; it was taken, whatever else it says."""
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    return str(answer.get("reference") or "") if isinstance(answer, dict) else ""
