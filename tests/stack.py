"""The whole product as a person gets it: `run_demo` in a process of its own, on data of its own.

Web, Celery worker, beat and Redis run as in `make demo`; nothing is eager, nothing is faked. With
DATABASE_URL set to a PostgreSQL the stack gets a fresh database there, otherwise a SQLite file.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.db import connections

from tests import migrated

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 240


@dataclass
class Stack:
    """A running demo: its address, its environment, and the process that stops all children."""

    address: str
    environment: dict[str, str]
    folder: Path
    process: subprocess.Popen[bytes]
    database: str = ""

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command on the stack's own database."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def log(self) -> str:
        """What the children have printed so far."""
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        """End all children and remove what the stack wrote."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self.database:
            administer(f'DROP DATABASE "{self.database}" WITH (FORCE)')
        shutil.rmtree(self.folder, ignore_errors=True)


def start_stack(*, on_sqlite: bool = False, **extra: str) -> Stack:
    """Start the demo on a free port and wait until it answers; raises RuntimeError with its log."""
    folder = Path(tempfile.mkdtemp(prefix="kuanxi-stack-"))
    port = free_port()
    database, url = fresh_database(folder, on_sqlite=on_sqlite)
    environment = {
        **{k: v for k, v in os.environ.items() if k not in {"REDIS_URL", "PRIVATE_ROOT"}},
        **{"DJANGO_SETTINGS_MODULE": "portal.site.settings", "DEMO": "1", "HTTPS": "0"},
        **{"HOST": "127.0.0.1", "PORT": str(port), "VAR_DIR": str(folder), "DATABASE_URL": url},
        **{"SECRET_KEY": "stack-only-key-" + "0123456789" * 5, **extra},
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run_demo"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    stack = Stack(f"http://127.0.0.1:{port}", environment, folder, process, database)
    wait_until_healthy(stack)
    return stack


def wait_until_healthy(stack: Stack) -> None:
    """Poll /healthz; a stack that ended or takes too long is an error with its log."""
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and stack.process.poll() is None:
        try:
            with urllib.request.urlopen(stack.address + "/healthz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    log = stack.log()
    stack.stop()
    raise RuntimeError(f"the demo did not start:\n{log[-4000:]}")


def free_port(start: int = 0) -> int:
    """A port nobody listens on, outside the range the kernel hands out by itself; from `start` on, if given."""
    for port in range(start or 20000 + os.getpid() % 5000, 32000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("no free port")


def fresh_database(folder: Path, *, on_sqlite: bool) -> tuple[str, str]:
    """(name, URL) of a database without rows on the server under test; a name only on PostgreSQL."""
    default = connections["default"].settings_dict
    if on_sqlite or not default["ENGINE"].endswith("postgresql"):
        file = folder / "demo.sqlite3"
        migrated.begin_with_copy(file)
        return "", f"sqlite:///{file}"
    name = f"kuanxi_stack_{os.getpid()}_{time.monotonic_ns() % 10**6}"
    administer(f'CREATE DATABASE "{name}"')
    return name, os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/" + name


def administer(statement: str) -> None:
    """One statement outside any transaction, on the server's maintenance database."""
    default = connections["default"].settings_dict
    known = {"host": default["HOST"], "port": default["PORT"], "user": default["USER"]}
    wanted = {**known, "password": default["PASSWORD"], "dbname": "postgres"}
    with psycopg.connect(**{k: v for k, v in wanted.items() if v}, autocommit=True) as server:
        server.execute(statement)
