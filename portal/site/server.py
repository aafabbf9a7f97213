"""gunicorn's worker for 宽息: sockets wait in gevent's loop, requests are answered in real threads.

A greenlet reads the head and the whole body of a request, within bounds of time and size, before
one of the few threads is bound to it, and sends the answer after the thread is free again; so slow
and silent visitors cost a socket each and stop nobody. Bodies too large for memory, which are files, are
read at a rate they share and taken in turn by a thread of their own: fifty at once wait for each other
and nobody waits for them. Nothing is monkey-patched: Django, SQLite and the drivers run in threads as they
do anywhere else, and their waits hold no loop.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import gevent
from gevent import socket
from gevent.threadpool import ThreadPool
from gunicorn.util import close_graceful, write_nonblock
from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.ggevent import GeventWorker

from portal.core.web.bodies import BUSY_SECONDS, FILES, Body, limit_of

BODY_SECONDS = 30  # for a body, and a second more for each BODY_RATE of it
BODY_RATE = 32 * 1024  # bytes a second: what a bad mobile connection manages
ANSWER_SECONDS = 300  # for working out and sending an answer; a slow reader gets no longer
PARKED_BYTES = 512 * 1024**2  # of bodies that one process holds on disk at a time
SWITCH = 0.0005  # seconds that a thread at work on a file may keep the others from theirs
IN_MEMORY = 64 * 1024  # bytes of one body; more of it waits on disk
STEP = 64 * 1024
FILES_RATE = 6 * 1024**2  # bytes a second that one process reads of all larger bodies


class Worker(GeventWorker):
    """Reads and sends in greenlets, answers in threads."""

    sockets: list[Any]
    wsgi: Callable[..., Iterable[bytes]]
    unread: Callable[[HTTPStatus], str]

    def patch(self) -> None:
        """Only the listening sockets become gevent's."""
        self.sockets = [
            socket.socket(one.FAMILY, socket.SOCK_STREAM, fileno=one.sock.detach())
            for one in self.sockets
        ]
        self.per_address: Counter[str] = Counter()
        self.idle: set[_Waiting] = set()
        self.parked = 0
        self.next_step = 0.0  # when the next part of a file may be read, on the monotonic clock
        sys.setswitchinterval(SWITCH)

    def load_wsgi(self) -> None:
        super().load_wsgi()
        from django.conf import settings  # set up by now

        from portal.site.pages.errors import unread

        self.unread = unread
        behind_proxy = bool(settings.TRUSTED_PROXIES)
        self.most_per_address = 0 if behind_proxy else settings.CONNECTIONS_PER_ADDRESS
        forms, files = ThreadPool(self.cfg.threads), ThreadPool(1)
        application = self.wsgi

        def in_turn(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
            pool = files if int(environ.get("CONTENT_LENGTH") or 0) > IN_MEMORY else forms
            parts: Iterable[bytes] = pool.apply(answer, (application, environ, start))
            return parts

        self.wsgi = in_turn
        gevent.spawn(self.let_idle_go)

    def let_idle_go(self) -> None:
        """When the server stops, connections on which nothing was asked end at once."""
        while self.alive:
            gevent.sleep(0.5)
        gevent.sleep(1)  # what is on its way still arrives
        while True:
            for waiting in list(self.idle):
                gevent.kill(waiting.greenlet, waiting)
            gevent.sleep(0.5)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """One connection; more of one address than are allowed are sent away at once."""
        address = addr[0] if isinstance(addr, tuple) else ""
        if address and 0 < self.most_per_address <= self.per_address[address]:
            self.tell(client, HTTPStatus.SERVICE_UNAVAILABLE)
            close_graceful(client)
            return
        self.per_address[address] += 1
        try:
            client.setblocking(True)
            AsyncWorker.handle(self, listener, client, addr)
        finally:
            self.per_address[address] -= 1
            if not self.per_address[address]:
                del self.per_address[address]

    def timeout_ctx(self) -> gevent.Timeout:
        """The wait for the head of a request; while it lasts the connection counts as idle."""
        return _Waiting(self.cfg.keepalive, self.idle)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Read the body, then have the request answered; parser and socket stay in step."""
        declared = next((int(v) for name, v in req.headers if name == "CONTENT-LENGTH"), 0)
        chunked = any(name == "TRANSFER-ENCODING" for name, _ in req.headers)
        limit = limit_of(req.path) if declared or chunked else 0
        reserved = min(declared, limit) if not chunked else limit
        self.parked += reserved
        body = Body(tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115 - closed below
        try:
            if declared > limit:
                body.refused = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            elif reserved and self.parked > PARKED_BYTES:
                body.refused = HTTPStatus.SERVICE_UNAVAILABLE
            elif reserved:
                self.read(req, sock, body, limit, BODY_SECONDS + reserved / BODY_RATE)
            if not body.refused and body.length < declared:
                raise StopIteration  # the visitor has gone: half a form is no form
            if chunked:  # Django reads by length alone
                req.headers = [pair for pair in req.headers if pair[0] != "TRANSFER-ENCODING"]
                req.headers.append(("CONTENT-LENGTH", str(body.length)))
            req.body = body
            if body.refused:
                req._expected_100_continue = False
                req.force_close()
            with gevent.Timeout(ANSWER_SECONDS, False):
                super().handle_request(listener_name, req, sock, addr)
                return
            raise StopIteration
        finally:
            self.parked -= reserved
            body.close()
            if body.refused:
                close_graceful(sock, timeout=5, max_drain=1 << 40)

    def read(self, req: Any, sock: Any, body: Body, limit: int, seconds: float) -> None:
        """The whole body, or why not: too slow, or larger than it may be."""
        if getattr(req, "_expected_100_continue", False):
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            req._expected_100_continue = False
        req.unreader.max_body_chunk = STEP  # what is read ahead of a step is copied at each step
        with gevent.Timeout(seconds, False):
            while data := req.body.read(STEP):
                body.length += len(data)
                if body.length > limit:
                    body.refused = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                    return
                body.file.write(data)
                if body.length > IN_MEMORY:  # what is there at once would be read without a pause
                    now = time.monotonic()
                    self.next_step = max(self.next_step, now) + STEP / FILES_RATE
                    gevent.sleep(self.next_step - now)
            body.file.seek(0)
            return
        body.refused = HTTPStatus.REQUEST_TIMEOUT

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """What is no request is answered, and its rest taken in: else a reset overtakes the answer."""
        said = _Said()
        super().handle_error(req, said, addr, exc)
        if said.status:
            self.tell(client, said.status)
        close_graceful(client, timeout=5, max_drain=FILES)

    def tell(self, client: Any, status: HTTPStatus) -> None:
        """A page of ours about a request that no view will see."""
        page = self.unread(status).encode()
        busy = status == HTTPStatus.SERVICE_UNAVAILABLE
        retry = f"Retry-After: {BUSY_SECONDS}\r\n" if busy else ""
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\n{retry}"
            "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"
            f"X-Content-Type-Options: nosniff\r\nContent-Length: {len(page)}\r\n\r\n"
        )
        with suppress(OSError):  # whoever it was may have gone
            write_nonblock(client, head.encode() + page)


class _Said:
    """Stands for a socket while gunicorn answers what is no request: only its status is kept."""

    status: HTTPStatus | None = None

    def gettimeout(self) -> float:
        return 0.0

    def sendall(self, data: bytes) -> None:
        self.status = HTTPStatus(int(data.split(maxsplit=2)[1]))


class _Waiting(gevent.Timeout):
    """A timeout that ends quietly, and that tells who waits."""

    def __init__(self, seconds: float, idle: set[_Waiting]) -> None:
        super().__init__(seconds, False)
        self.idle, self.greenlet = idle, gevent.getcurrent()

    def __enter__(self) -> _Waiting:
        self.idle.add(self)
        super().__enter__()
        return self

    def __exit__(self, *problem: Any) -> Any:
        self.idle.discard(self)
        return super().__exit__(*problem)


def answer(application: Callable[..., Any], environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """The whole answer of the application; its connections belong to this thread to the end."""
    parts = application(environ, start)
    try:
        return list(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
