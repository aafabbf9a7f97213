"""The rig touches nothing that it has not started, and supervises what it has."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.ownership import assert_inside, is_mine
from tests.chaos.processes import Child, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_own_children_are_mine_and_ended_ones_are_nobodys() -> None:
    with subprocess.Popen(SLEEP) as own:
        assert is_mine(own.pid, {own.pid})
        assert is_mine(own.pid, {os.getpid()})
        own.kill()
        own.wait()
        assert not is_mine(own.pid, {1234567})


def test_a_foreign_process_ends_the_rig_with_9() -> None:
    with subprocess.Popen(SLEEP) as other:
        with pytest.raises(SystemExit) as ended:
            is_mine(other.pid, {1234567})
        other.kill()
    assert ended.value.code == 9


def test_a_foreign_path_ends_the_rig_with_9(tmp_path: Path) -> None:
    assert_inside(tmp_path / "a", tmp_path)
    with pytest.raises(SystemExit) as ended:
        assert_inside(tmp_path / ".." / "elsewhere", tmp_path)
    assert ended.value.code == 9


def test_what_dies_is_started_again_unless_it_is_held(tmp_path: Path) -> None:
    supervisor = Supervisor()
    child = supervisor.add(Child("sleeper", SLEEP, dict(os.environ), tmp_path / "log"))
    first = child.pid
    assert child.process is not None
    child.process.kill()
    give_up = time.monotonic() + 10
    while child.pid == first and time.monotonic() < give_up:
        time.sleep(0.1)
    assert child.is_up

    supervisor.hold(child)
    time.sleep(1.2)
    assert not child.is_up
    assert child.starts == 2
    supervisor.stop()
