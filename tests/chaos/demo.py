"""`make demo` under fire: the real runner on SQLite and its private Redis, started again as by a user.

Its children are found below it by their command lines. Whatever of them dies, the runner stops the
rest; killed itself it can stop nobody, and still nothing of it may be in the way of the next start.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import redis

from tests.chaos.ownership import children_of, is_mine, refuse
from tests.chaos.rig import BaseRig

KILL = signal.SIGKILL
LEFTOVER_SECONDS = 15  # a file check that has lost its worker ends within its own limit
WORDS = {
    "web": ("gunicorn",),
    "worker": ("celery", "notices"),  # by a queue of its own
    "checker": ("celery", "checker@"),
    "beat": ("celery", "beat"),
    "redis": ("redis-server",),
}


class EmbeddedRig(BaseRig):
    """The demo as it comes, in a VAR_DIR of the rig's own and with the rig's provider."""

    def start_servers(self) -> None:
        """The demo itself: it makes, fills and owns its database."""
        host, _, port = self.address.removeprefix("http://").partition(":")
        self.make_environment(HOST=host, PORT=port)
        self.demo = self.child("demo", [sys.executable, "manage.py", "run_demo"])
        self.wait_for_page()
        self.starts = self.demo.starts

    def start_processes(self) -> None:
        """They run already."""

    def find(self, name: str) -> int:
        """The topmost process of a child of the runner; 0 while there is none."""
        words = WORDS[name]
        for pid in below(self.demo.pid):
            line = command_line(pid)
            if line and "manage.py" not in line and all(word in " ".join(line) for word in words):
                return pid
        return 0

    def kill(self, *pids: int) -> None:
        """SIGKILL to processes of the demo; asked of all before the first dies and orphans others."""
        for pid in [pid for pid in pids if pid and is_mine(pid, {self.demo.pid})]:
            with suppress(ProcessLookupError):
                os.kill(pid, KILL)

    def flush_redis(self) -> None:
        """FLUSHALL in the private Redis."""
        folder = self.folder / "var"
        with redis.Redis(unix_socket_path=str(folder / "redis.sock"), socket_timeout=5) as client:
            if client.config_get("dir") != {"dir": str(folder / "redis")}:
                refuse(f"the Redis at {client.config_get('dir')}")
            client.flushall()

    def problems(self) -> list[str]:
        """One start at most since the last look, and nobody left over from before it."""
        found = []
        if self.demo.starts > self.starts + 1:
            found.append(f"the demo had to be started {self.demo.starts - self.starts} times")
        self.starts = self.demo.starts
        give_up = time.monotonic() + LEFTOVER_SECONDS
        while (left := self.leftovers()) and time.monotonic() < give_up:
            time.sleep(0.3)
        return found + [f"left over: {pid} {' '.join(command_line(pid))}" for pid in left]

    def leftovers(self) -> list[int]:
        """Processes with our VAR_DIR that are not of the demo that runs now."""
        mark = f"VAR_DIR={self.folder / 'var'}".encode()
        alive = {os.getpid(), self.demo.pid, *below(self.demo.pid)}
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
        return [pid for pid in pids if pid not in alive and mark in environment_of(pid)]


def below(pid: int) -> list[int]:
    """All descendants, nearest first."""
    found, rest = [], [pid]
    while rest:
        rest = [child for each in rest for child in children_of(each)]
        found += rest
    return found


def command_line(pid: int) -> list[str]:
    """Program and arguments; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return []


def environment_of(pid: int) -> list[bytes]:
    """NAME=value of a process; empty when it is gone or not ours to see."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
