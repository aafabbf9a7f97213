"""The shipped server under slow, silent and greedy visitors: nobody else waits, nothing fills up."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import SimpleNamespace
from typing import cast

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.web.bodies import BUSY_SECONDS, FILES, Body, limit_of
from portal.site.server import FILES_RATE, IN_MEMORY, PARKED_BYTES, Worker
from tests.stack import ROOT, free_port
from tests.visitor import TOKEN

ROUNDS = 60
FLOOR = 0.025  # seconds: below it a shared machine's own noise is what is measured
HEAD = "POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
HEALTH = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
MEGABYTE = 1024**2


@dataclass
class Server:
    """gunicorn as the Procfile starts it, on a folder of its own."""

    port: int
    process: subprocess.Popen[bytes]
    folder: Path

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def ask(self, text: str) -> bytes:
        """What comes back until the server closes."""
        with self.connect() as line:
            line.sendall(text.encode())
            return read_all(line)

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def memory(self) -> int:
        """Bytes of all workers together."""
        pages = [Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in self.workers()]
        return sum(map(int, pages)) * 4096

    def disk(self) -> int:
        """Bytes that the server holds in its folder for temporary files, nameless ones included."""
        sizes = 0
        for pid in self.workers():
            for file in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(FileNotFoundError):  # closed meanwhile
                    if str(self.folder / "tmp") in os.readlink(file):
                        sizes += file.stat().st_blocks * 512
        return sizes


def read_all(line: socket.socket) -> bytes:
    parts = []
    while data := line.recv(65536):
        parts.append(data)
    return b"".join(parts)


@contextmanager
def serving(folder: Path, **extra: str) -> Iterator[Server]:
    """A server of the demo on an empty database; stopped and waited for."""
    port = free_port()
    (folder / "tmp").mkdir()
    environment = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "PRIVATE_ROOT"}}
    environment |= {
        **{"DJANGO_SETTINGS_MODULE": "portal.site.settings", "DEMO": "1", "HTTPS": "0"},
        **{"VAR_DIR": str(folder), "TMPDIR": str(folder / "tmp"), "PORT": str(port)},
        **{"LOG_LEVEL": "ERROR", "SECRET_KEY": "server-only-key-" + "0123456789" * 5, **extra},
    }
    for command in ("migrate", "collectstatic"):
        line = [sys.executable, "manage.py", command, "--no-input", "-v0"]
        subprocess.run(line, cwd=ROOT, env=environment, check=True)
    process = subprocess.Popen([sys.executable, "-m", "gunicorn"], cwd=ROOT, env=environment)
    server = Server(port, process, folder)
    try:
        wait_for(lambda: server.ask(HEALTH).startswith(b"HTTP/1.1 200"))
        yield server
    finally:
        process.terminate()
        process.wait(40)


def wait_for(is_there: Callable[[], bool], seconds: float = 60) -> None:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        try:
            if is_there():
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


def slowness(server: Server, path: str) -> float:
    """The 95th percentile of a page, each time over a connection of its own, in seconds."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        assert server.ask(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        ).startswith(b"HTTP/1.1 200")
        times.append(time.perf_counter() - started)
    return statistics.quantiles(times, n=20)[-1]


@pytest.mark.slow
def test_slow_and_silent_sockets_stop_nobody(server: Server) -> None:
    """50 uploads that trickle, 30 heads never finished, 50 sockets that say nothing, 12 slow readers."""
    before = {path: slowness(server, path) for path in ("/healthz", "/login/")}
    done = threading.Event()
    with ExitStack() as lines:
        every = [lines.enter_context(server.connect()) for _ in range(142)]
        bodies, heads, idle, readers = every[:50], every[50:80], every[80:130], every[130:]
        for line in bodies:
            line.sendall(f"{HEAD}{FORM}Content-Length: 900000\r\n\r\n".encode())
        for line in heads:
            line.sendall(HEAD.encode())
        for line in readers:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            line.sendall(b"GET /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        late = server.connect()
        late.sendall(f"{HEAD}{FORM}Content-Length: 90\r\n\r\nby=".encode())
        opened = time.monotonic()

        def trickle() -> None:
            while not done.wait(0.1):
                for line in bodies:
                    line.sendall(b"a")

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            during = {path: slowness(server, path) for path in before}
        finally:
            done.set()
            thread.join()

        for path, seconds in before.items():
            assert during[path] < 2 * max(seconds, FLOOR), (path, before, during)
        for line in (*heads, *idle):  # the bound of heads and idle time: both are let go
            assert read_all(line) == b""
        assert time.monotonic() - opened < 40
        with late:
            answer = read_all(late)
        assert answer.startswith(b"HTTP/1.1 408")
        assert "网络太慢" in answer.decode()
        assert 25 < time.monotonic() - opened < 60


@pytest.mark.slow
def test_files_wait_for_each_other_and_nobody_for_them(tmp_path: Path) -> None:
    """Twice as many large forms as threads, all held up by a lock on the database: pages still open."""
    with serving(tmp_path, WEB_WORKERS="1", WEB_THREADS="4") as server, ExitStack() as lines:
        page = server.ask("GET /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        cookie, token = re.search(rb"csrftoken=(\w+)", page), re.search(TOKEN, page.decode())
        assert cookie
        assert token
        form = f"csrfmiddlewaretoken={token[1]}&by=password&phone=13800000001&password=x&agree=on"
        form += "&more=" + "x" * 100_000
        head = f"{HEAD}{FORM}Cookie: csrftoken={cookie[1].decode()}\r\nConnection: close\r\n"
        lock = sqlite3.connect(tmp_path / "kuanxi.sqlite3", isolation_level=None)
        lines.callback(lock.close)
        lock.execute("BEGIN IMMEDIATE")
        senders = [lines.enter_context(server.connect()) for _ in range(8)]
        for line in senders:
            line.sendall(f"{head}Content-Length: {len(form)}\r\n\r\n{form}".encode())
        senders[0].settimeout(1)
        with pytest.raises(TimeoutError):
            senders[0].recv(1)

        assert slowness(server, "/login/") < 1

        lock.execute("ROLLBACK")
        senders[0].settimeout(60)
        for line in senders:  # the password is wrong, or was tried too often by then
            assert read_all(line).startswith((b"HTTP/1.1 422", b"HTTP/1.1 429"))


def test_files_share_a_rate_and_forms_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    moment, pauses = [100.0], []

    def rest(seconds: float) -> None:
        pauses.append(seconds)
        moment[0] += seconds

    monkeypatch.setattr("portal.site.server.time.monotonic", lambda: moment[0])
    monkeypatch.setattr("portal.site.server.gevent.sleep", rest)
    worker = SimpleNamespace(next_step=0.0)

    def paused_for(size: int) -> float:
        pauses.clear()
        request = SimpleNamespace(unreader=SimpleNamespace(), body=BytesIO(bytes(size)))
        with SpooledTemporaryFile() as file:
            body = Body(file)
            Worker.read(cast(Worker, worker), request, None, body, FILES, seconds=60)
            assert (body.length, len(body.read()), body.refused) == (size, size, None)
        return sum(pauses)

    assert paused_for(IN_MEMORY) == 0
    assert paused_for(IN_MEMORY + 6 * FILES_RATE) == pytest.approx(6)
    worker.next_step += 2  # another file has been read meanwhile
    assert paused_for(IN_MEMORY + FILES_RATE) == pytest.approx(3)
    moment[0] += 60  # a minute without files saves nothing up
    assert paused_for(IN_MEMORY + FILES_RATE) == pytest.approx(1)


@pytest.mark.slow
@pytest.mark.parametrize("chunked", [False, True])
def test_a_huge_body_is_refused_early_with_flat_disk_and_memory(
    server: Server, chunked: bool
) -> None:
    memory, sent, most = server.memory(), 0, 0
    piece = b"x" * MEGABYTE
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {400 * MEGABYTE}"
    with server.connect() as line:
        line.sendall(f"{HEAD}{FORM}{length}\r\n\r\n".encode())
        if chunked:
            piece = f"{MEGABYTE:x}\r\n".encode() + piece + b"\r\n"
        try:
            for _ in range(400):
                line.sendall(piece)
                sent += 1
                most = max(most, server.disk())
                line.settimeout(0.001)
                try:
                    answer = line.recv(MEGABYTE)
                    break
                except TimeoutError:
                    line.settimeout(60)
        finally:
            line.settimeout(60)
        answer += read_all(line) if b"</html>" not in answer else b""

    assert answer.startswith(b"HTTP/1.1 413")
    assert "提交的内容太大" in answer.decode()
    assert b"Connection: close" in answer
    assert sent < 40
    assert most <= limit_of("/login/") + 64 * 1024
    assert server.memory() - memory < 40 * MEGABYTE


def test_a_whole_form_arrives_however_it_is_sent(server: Server) -> None:
    """By length, in chunks, and after 100 Continue: Django sees the same fields."""
    form = "by=password&phone=13800000001&password=&agree=on"
    by_length = f"Content-Length: {len(form)}\r\n"
    ways = {
        f"{by_length}\r\n{form}": b"HTTP/1.1 403",
        f"Transfer-Encoding: chunked\r\n\r\n{len(form):x}\r\n{form}\r\n0\r\n\r\n": b"HTTP/1.1 403",
        f"{by_length}Expect: 100-continue\r\n\r\n{form}": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403",
    }
    for rest, answer in ways.items():  # 403: the form has no token, so it was read
        told = server.ask(f"{HEAD}{FORM}Connection: close\r\n{rest}")
        assert told.startswith(answer)


def test_half_a_form_is_no_form(server: Server) -> None:
    """Whoever leaves in the middle of a body gets no answer, and no view sees `amount=1` of 100."""
    with server.connect() as line:
        line.sendall(f"{HEAD}{FORM}Content-Length: 200\r\n\r\namount=1".encode())
        line.shutdown(socket.SHUT_WR)

        assert read_all(line) == b""


def test_an_answer_to_no_request_is_not_lost_in_a_reset(server: Server) -> None:
    """An endless address is refused before its body is read; the answer arrives all the same."""
    body = "x" * MEGABYTE
    head = f"POST /login/?q={'y' * 9000} HTTP/1.1\r\nHost: 127.0.0.1\r\n{FORM}"
    for _ in range(5):
        told = server.ask(f"{head}Content-Length: {len(body)}\r\n\r\n{body}")
        assert told.startswith(b"HTTP/1.1 414")
        assert "网址太长，没有打开任何页面" in told.decode()


@pytest.mark.parametrize(
    ("request_text", "status", "sentence"),
    [
        ("GET / HTTP/9.9\r\n\r\n", 400, "请求不完整或格式不对"),
        ("nonsense\r\n\r\n", 400, "请求不完整或格式不对"),
        ("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nno colon\r\n\r\n", 400, "请求不完整或格式不对"),
        (f"GET / HTTP/1.1\r\nCookie: a={'x' * 9000}\r\n\r\n", 431, "请清除本站的 Cookie"),
        (f"{HEAD}Transfer-Encoding: nonsense\r\n\r\n", 501, "请求不完整或格式不对"),
    ],
)
def test_what_is_no_request_is_answered_with_a_page_of_ours(
    server: Server, request_text: str, status: int, sentence: str
) -> None:
    """In Chinese, with an incident number, and without a word of what was sent."""
    told = server.ask(request_text).decode()

    assert told.startswith(f"HTTP/1.1 {status} ")
    assert sentence in told
    assert "data-incident" in told
    assert "nonsense" not in told


@pytest.mark.slow
def test_stopping_resets_nobody(tmp_path: Path) -> None:
    """On TERM a body that is arriving is answered, an idle connection ends, and so do the workers."""
    with serving(tmp_path) as server:
        idle, slow = server.connect(), server.connect()
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        told = b""
        while b"}" not in told:  # the body may come after the head, in a packet of its own
            told += idle.recv(65536)
        assert told.startswith(b"HTTP/1.1 200")
        slow.sendall(f"{HEAD}{FORM}Content-Length: 12\r\n\r\nby=code".encode())
        time.sleep(0.5)
        workers = server.workers()
        server.process.send_signal(signal.SIGTERM)
        time.sleep(2)

        slow.sendall(b"&x=11")

        assert read_all(slow).startswith(b"HTTP/1.1 403")
        assert read_all(idle) == b""
        assert server.process.wait(20) == 0
        assert [pid for pid in workers if Path(f"/proc/{pid}").exists()] == []
        idle.close()
        slow.close()


@pytest.mark.slow
@pytest.mark.parametrize(("proxies", "sixth"), [("0", b"HTTP/1.1 503"), ("1", b"HTTP/1.1 200")])
def test_one_address_holds_so_many_connections_unless_it_is_our_proxy(
    tmp_path: Path, proxies: str, sixth: bytes
) -> None:
    few = {"CONNECTIONS_PER_ADDRESS": "5", "WEB_WORKERS": "1", "TRUSTED_PROXIES": proxies}
    with serving(tmp_path, **few) as server, ExitStack() as lines:
        for _ in range(5):
            lines.enter_context(server.connect())
        time.sleep(0.5)

        told = server.ask(HEALTH)

        assert told.startswith(sixth)
        assert ("同时打开的连接太多" in told.decode()) == (proxies == "0")


@pytest.mark.slow
def test_a_body_finds_no_room_once_the_disk_for_waiting_ones_is_full(tmp_path: Path) -> None:
    """Room is reserved by the declared length; it is free again as soon as its visitor has gone."""
    place = f"POST {reverse('relief:service-send')} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    large = f"{place}{FORM}Content-Length: {FILES}\r\n\r\na"
    small = f"{HEAD}{FORM}Connection: close\r\nContent-Length: 7\r\n\r\nby=code"
    with serving(tmp_path, WEB_WORKERS="1") as server, ExitStack() as lines:
        for _ in range(PARKED_BYTES // FILES):
            lines.enter_context(server.connect()).sendall(large.encode())
        time.sleep(0.5)

        refused = server.ask(large)

        assert refused.startswith(b"HTTP/1.1 503")
        assert "现在提交的人太多，什么都没有保存" in refused.decode()
        assert f"Retry-After: {BUSY_SECONDS}".encode() in refused
        assert b"Connection: close" in refused
        assert server.ask(small).startswith(b"HTTP/1.1 403")  # read: there is room for it
        lines.close()
        time.sleep(0.5)
        with server.connect() as line:
            line.sendall(large.encode())
            line.shutdown(socket.SHUT_WR)
            assert read_all(line) == b""  # half a form that was read, not refused


def test_only_forms_with_files_may_be_large() -> None:
    plain = limit_of(reverse("portal:login"))

    assert plain < 2 * MEGABYTE < FILES
    assert limit_of(reverse("relief:service-send")) == FILES
    assert limit_of(reverse("relief:evidence-add", args=["k7q2m9x4tzbd"])) == FILES
    assert limit_of("/nowhere/\x00") == plain


@pytest.mark.django_db
def test_too_large_is_said_in_chinese_under_any_server(client: Client) -> None:
    """Before a byte of the body is read: the declared length is enough."""
    answer = client.post(
        "/login/", b"x", content_type="text/plain", headers={"content-length": str(400 * MEGABYTE)}
    )

    assert answer.status_code == 413
    assert "提交的内容太大" in answer.content.decode()
    assert "default-src 'self'" in answer["Content-Security-Policy"]
