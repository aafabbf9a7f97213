"""The parts of the rig do what their names say: a rig that only seems to harm proves nothing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.chaos.evidence import Evidence
from tests.chaos.provider import Provider
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
