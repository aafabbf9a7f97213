"""Processes that the rig supervises: started, killed, stopped, and started anew when they die."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.ownership import children_of, is_mine

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Child:
    """One supervised command in a session of its own; `held` means that it shall stay down."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    held: bool = False
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Start it unless it is up: the watch and an undo may both want to."""
        with self.lock:
            self.held = False
            if not self.is_up:
                self._spawn()

    def start_again(self) -> None:
        """What the watch does."""
        with self.lock:
            if not self.held and not self.is_up:
                self._spawn()

    def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.starts += 1

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class Supervisor:
    """Starts again within a second whatever dies, as systemd would; the only killer of the rig."""

    children: dict[str, Child] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def add(self, child: Child) -> Child:
        self.children[child.name] = child
        child.start()
        if not self._thread.is_alive():
            self._thread.start()
        return child

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            for child in list(self.children.values()):
                child.start_again()

    def signal_all(self, child: Child, what: signal.Signals) -> None:
        """Send a signal to the whole session of a child."""
        if child.is_up and self._mine(child.pid):
            os.killpg(child.pid, what)

    def signal_one_below(self, child: Child, what: signal.Signals, choice: int) -> int:
        """Send a signal to one of the child's own children; its id, 0 if there is none."""
        below = children_of(child.pid)
        if not below:
            return 0
        pid = below[choice % len(below)]
        if not self._mine(pid):
            return 0
        os.kill(pid, what)
        return pid

    def hold(self, child: Child) -> None:
        """Kill it and keep it down until `start`."""
        with child.lock:
            child.held = True
        self.signal_all(child, signal.SIGKILL)
        if child.process:
            child.process.wait()

    def start_anew(self, child: Child) -> None:
        """End it politely; the watch starts it again, with the environment as it is now."""
        former = child.process
        if former and child.is_up and self._mine(former.pid):
            former.terminate()
            former.wait()
        child.start()

    def _mine(self, pid: int) -> bool:
        return is_mine(pid, {child.pid for child in self.children.values() if child.pid})

    def stop(self) -> None:
        """End all: politely, then not."""
        self._ended.set()
        for child in self.children.values():
            child.held = True
            self.signal_all(child, signal.SIGCONT)
            self.signal_all(child, signal.SIGTERM)
        give_up = time.monotonic() + 10
        for child in self.children.values():
            while child.is_up and time.monotonic() < give_up:
                time.sleep(0.1)
            self.signal_all(child, signal.SIGKILL)
