"""Nobody outlives a runner that is killed outright (Linux: the kernel ends the children)."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.demo import below, command_line

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 60
# The same three lines as in run_demo: honcho, its forks and a child that die with it.
RUNNER = """
import os, sys
from honcho.manager import Manager
from portal.site import parent_death
os.register_at_fork(after_in_child=parent_death.die_with_parent)
manager = Manager()
manager.add_process("web", f"exec {sys.executable} -m portal.site.parent_death sleep 300")
manager.loop()
"""


def survivors(pids: list[int]) -> list[int]:
    """Those that do not end; a zombie that nobody has buried yet has ended."""
    give_up = time.monotonic() + SECONDS
    while left := [pid for pid in pids if command_line(pid) not in ([], [""])]:
        if time.monotonic() > give_up:
            break
        time.sleep(0.05)
    return left


def sleeper_below(pid: int) -> int:
    """The child, once it has become what it shall be."""
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        for child in below(pid):
            if command_line(child)[:1] == ["sleep"]:
                return child
        time.sleep(0.05)
    raise AssertionError("the runner started nothing")


@pytest.mark.skipif(sys.platform != "linux", reason="the signal is Linux's")
def test_the_children_of_a_killed_runner_die_with_it() -> None:
    with subprocess.Popen([sys.executable, "-c", RUNNER], cwd=ROOT) as runner:
        child = sleeper_below(runner.pid)
        family = below(runner.pid)
        assert child in family

        os.kill(runner.pid, signal.SIGKILL)

        left = survivors(family)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert left == []


def test_each_child_of_the_demo_dies_with_it(settings: object) -> None:
    from portal.management.commands.run_demo import child_commands

    # What is started at a lower priority is still the shell's own process: nice becomes what it starts.
    start = rf"exec (nice -n \d+ )?{re.escape(sys.executable)} -m portal\.site\.parent_death "
    for name, command in child_commands().items():
        assert re.search(start, command), name
