"""The parts of the rig do what their names say: a rig that only seems to harm proves nothing."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.site.celery import app
from tests.chaos.evidence import Evidence
from tests.chaos.journal import Journal
from tests.chaos.processes import Child, Supervisor
from tests.chaos.provider import Provider
from tests.chaos.rig import QUEUES
from tests.chaos.table import Step, closing_line, table


def knock(provider: Provider) -> None:
    with socket.create_connection(("127.0.0.1", provider.server_port), timeout=0.5):
        pass


def test_a_provider_that_is_cut_off_refuses_and_comes_back(tmp_path: Path) -> None:
    provider = Provider(tmp_path / "record")
    knock(provider)

    provider.cut_off()
    with pytest.raises(ConnectionRefusedError):
        knock(provider)

    provider.come_back()
    knock(provider)
    provider.cut_off()
    provider.record.close()


def test_a_provider_in_a_hole_lets_whoever_knocks_wait(tmp_path: Path) -> None:
    provider = Provider(tmp_path / "record")

    provider.cut_off_silently()
    with pytest.raises(TimeoutError):
        knock(provider)

    provider.come_back()
    knock(provider)
    provider.cut_off()
    provider.record.close()


def test_what_was_not_reached_is_not_passed() -> None:
    steps = [
        Step("a", failed=False, reached=True, healing=1, total=2),
        Step("a", failed=False, reached=False, healing=1, total=2),
        Step("b", failed=True, reached=True, healing=3, total=4),
    ]

    assert closing_line(steps[:1]) == "1 passed, 0 failed"
    assert closing_line(steps) == "1 passed, 1 failed, 1 not reached"
    assert "| a | 2 | 1 | 1.0 | 1.0 |" in table(steps)


def test_evidence_is_what_came_after_the_mark(tmp_path: Path) -> None:
    class Logs:
        folder = tmp_path / "rig"

        def logs(self) -> list[Path]:
            return [tmp_path / "web.log"]

    (tmp_path / "web.log").write_text("before\n")
    evidence = Evidence(Logs())
    evidence.folder = tmp_path / "evidence"
    evidence.mark()
    (tmp_path / "web.log").write_text("before\nafter\n")

    kept = evidence.keep(7, "web dies at pay.before_commit", ["I14 | lost"])

    assert kept.name == "step-007-web-dies-at-pay-before-commit"
    assert (kept / "web.log").read_text() == "after\n"
    assert (kept / "problems.txt").read_text() == "I14 | lost\n"


def test_the_worker_serves_every_queue() -> None:
    routed = {route["queue"] for route in app.conf.task_routes.values()}

    assert set(QUEUES.split(",")) == {app.conf.task_default_queue, *routed}


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    kept = Supervisor()
    yield kept
    kept.stop()


def test_a_scanner_that_was_killed_listens_again_and_remembers(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    place, record = tmp_path / "clamd.sock", tmp_path / "scanned"
    command = [sys.executable, "-m", "tests.clamd", str(place), str(record)]
    clamd = supervisor.add(Child("clamd", command, dict(os.environ), tmp_path / "log"))
    assert _scanned(place, b"one") == b"stream: OK\0"

    supervisor.hold(clamd)
    with socket.socket(socket.AF_UNIX) as line, pytest.raises(ConnectionRefusedError):
        line.connect(str(place))

    clamd.start()
    assert _scanned(place, b"two") == b"stream: OK\0"
    assert len(record.read_text().split()) == 2


def _scanned(place: Path, data: bytes) -> bytes:
    """The scanner's word, as soon as it listens."""
    give_up = time.monotonic() + 30
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(str(place))
                line.sendall(b"zINSTREAM\0" + len(data).to_bytes(4) + data + bytes(4))
                return line.recv(100)
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)


def test_who_listens_hears_the_sentence_and_pages_that_may_not_break(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")

    journal.hear("/a/", 500, "坏了")
    assert not journal.was_told
    assert journal.trouble == []

    journal.expect("没有保存成功", spares_pages=True, unless="现在读不出来")
    journal.hear("/b/", 422, "文件没有保存成功")
    journal.hear("/c/", 503, "文件现在读不出来")
    assert journal.was_told
    assert journal.trouble == []

    journal.hear("/d/", 503, "坏了")
    journal.hear("/e/", 500, "文件现在读不出来")
    assert [each[:3] for each in journal.trouble] == ["/d/", "/e/"]
    journal.close()
