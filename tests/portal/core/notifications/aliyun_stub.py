"""A local Aliyun: speaks SendSms and QuerySendDetails on loopback, checks each request's signature.

ACS3-HMAC-SHA256 as documented: the canonical request is method, path, query, signed headers and
the body's digest; its digest is signed with the access key's secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

KEY_ID, KEY_SECRET = "stub-key-id", "stub-key-secret"
TAKEN = {"Code": "OK", "Message": "OK", "BizId": "900619746936498440^0", "RequestId": "R1"}


@dataclass
class Stub:
    """What it was asked, and what it answers: (HTTP status, body), or None for no answer at all."""

    port: int = 0
    answer: tuple[int, dict[str, Any]] | None = (200, TAKEN)
    details: list[dict[str, Any]] = field(default_factory=list)  # of messages, with their BizId
    asked: list[dict[str, str]] = field(default_factory=list)
    forged: int = 0

    def listed(self, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """One page of the details of a number on a day, of one submission if it is named."""
        found = [
            {name: value for name, value in one.items() if name != "BizId"}
            for one in self.details
            if one["PhoneNum"] == query["PhoneNumber"]
            and one["SendDate"][:10].replace("-", "") == query["SendDate"]
            and query.get("BizId", one["BizId"]) == one["BizId"]
        ]
        size, page = int(query["PageSize"]), int(query["CurrentPage"])
        if not 1 <= size <= 50 or page < 1:
            return 200, {"Code": "isv.INVALID_PARAMETERS", "Message": "x", "RequestId": "R2"}
        some = found[size * (page - 1) : size * page]
        return 200, {
            "Code": "OK",
            "Message": "OK",
            "RequestId": "R3",
            "TotalCount": str(len(found)),
            "SmsSendDetailDTOs": {"SmsSendDetailDTO": some},
        }


def encoded(text: str) -> str:
    return quote(text, safe="-_.~")


def is_signed(method: str, target: str, headers: Any, body: bytes) -> bool:
    """Whether Authorization carries the right signature for this request."""
    found = re.fullmatch(
        r"ACS3-HMAC-SHA256 Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]+)",
        headers.get("Authorization", ""),
    )
    if not found or found[1] != KEY_ID:
        return False
    parts = urlsplit(target)
    pairs = sorted(parse_qsl(parts.query, keep_blank_values=True))
    query = "&".join(f"{encoded(k)}={encoded(v)}" for k, v in pairs)
    names = found[2].split(";")
    lines = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in names)
    digest = hashlib.sha256(body).hexdigest()
    if headers.get("x-acs-content-sha256") != digest:
        return False
    request = "\n".join((method, parts.path or "/", query, lines, found[2], digest))
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
    right = hmac.new(KEY_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(right, found[3])


@contextmanager
def running() -> Iterator[Stub]:
    """The stub, listening until the end of the block."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not is_signed("POST", self.path, self.headers, body):
                stub.forged += 1
                self.say(400, {"Code": "SignatureDoesNotMatch", "Message": "x", "RequestId": "R0"})
                return
            query = dict(parse_qsl(urlsplit(self.path).query) + parse_qsl(body.decode()))
            names = {"action": "x-acs-action", "version": "x-acs-version"}
            stub.asked.append(query | {k: self.headers[name] for k, name in names.items()})
            if stub.answer is None:
                self.close_connection = True
                self.connection.close()
                return
            is_query = self.headers["x-acs-action"] == "QuerySendDetails"
            well = is_query and stub.answer[1].get("Code") == "OK"
            self.say(*(stub.listed(query) if well else stub.answer))

        def say(self, status: int, data: dict[str, Any]) -> None:
            body = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
