"""A stub SMS provider: records every call with its key, and misbehaves when told to.

It keeps the promise a real gateway must keep: a key that it has taken is not sent again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KEY = "chaos-rig-key-0123456789-0123456789"


@dataclass
class Book:
    """What came in: per key the calls (digest of number and text) and how often it took effect."""

    calls: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    effects: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    forged: int = 0


class Provider(ThreadingHTTPServer):
    """`mode`: well, hang (no answer for 20 s), error (500), lost (taken, answer cut off),
    twice (taken, then 500, so that we ask again), never (cut off, not taken)."""

    daemon_threads = True
    mode = "well"

    def __init__(self, record: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.book, self.lock = Book(), threading.Lock()
        self.record = record.open("a", buffering=1)
        self.hole: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self.server_port}/sms"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def cut_off(self) -> None:
        """Nobody listens any more: connections are refused."""
        self.shutdown()
        self.server_close()

    def cut_off_silently(self) -> None:
        """Somebody listens whose queue is full: the kernel drops who knocks, as a dead line does."""
        self.cut_off()
        self.hole = [socket.socket()]
        self.hole[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.hole[0].bind(self.server_address)
        self.hole[0].listen(0)
        for _ in range(2):
            self.hole.append(socket.socket())
            self.hole[-1].setblocking(False)
            self.hole[-1].connect_ex(self.server_address)

    def come_back(self) -> None:
        """As before, at the same address."""
        self.mode = "well"
        for end in self.hole:
            end.close()
        self.hole = []
        if self.socket.fileno() == -1:
            self.socket = socket.socket(self.address_family, self.socket_type)
            self.server_bind()
            self.server_activate()
            threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *args: Any) -> None:
        """A caller that was killed is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        mode, said = self.server.mode, json.loads(body)
        key = said["reference"]
        signed = self.headers["X-Timestamp"].encode() + b"." + body
        right = hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
        taken = mode in {"well", "lost", "twice"}
        with self.server.lock:
            book = self.server.book
            book.forged += not hmac.compare_digest(right, self.headers["X-Signature"])
            book.calls[key].append(hashlib.sha256(body).hexdigest())
            is_new = taken and not book.effects[key]
            book.effects[key] += is_new
            self.server.record.write(f"{time.time():.3f} {mode} {key} {is_new}\n")
        if mode == "hang":
            time.sleep(20)
        if mode in {"hang", "lost", "never"}:
            self.close_connection = True
            return
        if mode == "error" or (mode == "twice" and is_new):
            self._answer(500, {})
            return
        self._answer(200, {"reference": f"stub-{key[:8]}"})

    def _answer(self, status: int, said: dict[str, str]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet; the record has it."""
