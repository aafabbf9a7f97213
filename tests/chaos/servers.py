"""The rig's own PostgreSQL and Redis: on unix sockets in its temporary folder, nobody else's."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis

from tests.chaos.ownership import parent_of, refuse
from tests.chaos.processes import Child, Supervisor

TIMEOUT = 60
SESSIONS = """
SELECT pid FROM pg_stat_activity
WHERE datname = 'kuanxi' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
ORDER BY (state = 'idle'), pid LIMIT 4
"""


def postgres_programs() -> Path:
    """Folder of the newest initdb and pg_ctl."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if found:
        return found[-1]
    beside = shutil.which("initdb")
    if beside is None:
        raise SystemExit("chaos: needs PostgreSQL: apt-get install postgresql")
    return Path(beside).parent


@dataclass
class Postgres:
    """A cluster of the rig's own; as root it runs as user `postgres`, which refuses to be root."""

    folder: Path

    def __post_init__(self) -> None:
        self.frozen = 0  # process of the session that stands still
        self.programs, self.data = postgres_programs(), self.folder / "data"
        self.url = f"postgres://kuanxi@{quote(str(self.folder), safe='')}/kuanxi"

    def start(self) -> None:
        self.folder.mkdir()
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
        cluster = ["-D", str(self.data), "-U", "kuanxi", "--auth=trust", "-E", "UTF8"]
        self._run("initdb", *cluster, "--locale=C.UTF-8")
        options = f"-c listen_addresses='' -k {self.folder} -c max_connections=100"
        self._run(
            "pg_ctl", "-D", str(self.data), "-s", "-w", "-l", f"{self.folder}/log", "-o", options, "start"
        )  # fmt: skip
        self._run("createdb", "-h", str(self.folder), "-U", "kuanxi", "kuanxi")

    def crash(self) -> None:
        """Every backend dies at once, nothing is written out; then it recovers by itself."""
        self.assert_mine()
        self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "-s", "-w", "restart")

    def freeze_one(self, choice: int) -> None:
        """Stop one session of the product, one that is doing something if there is any."""
        with self.connect() as session:
            rows = session.execute(SESSIONS).fetchall()
        pids = [int(str(pid)) for (pid,) in rows]
        if pids:
            self.frozen = pids[choice % len(pids)]
            self._signal_session(signal.SIGSTOP)

    def thaw(self) -> None:
        if self.frozen:
            self._signal_session(signal.SIGCONT)
        self.frozen = 0

    def _signal_session(self, what: signal.Signals) -> None:
        """Only to a child of the rig's own server; one that has ended meanwhile is let be."""
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        parent = parent_of(self.frozen)
        if parent not in {0, postmaster}:
            refuse(f"process {self.frozen}")
        if parent:
            os.kill(self.frozen, what)

    def stop(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "-s", "stop", check=False)

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host=str(self.folder), user="kuanxi", dbname="kuanxi")

    def assert_mine(self) -> None:
        with self.connect() as session:
            told = session.execute("SHOW data_directory").fetchone()
        if told != (str(self.data),):
            refuse(f"the PostgreSQL at {told}")

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        command = [str(self.programs / program), *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(
            command, check=check, stdout=subprocess.DEVNULL, timeout=TIMEOUT, cwd=self.folder
        )


@dataclass
class Redis:
    """A Redis that keeps nothing: after a kill it is empty."""

    folder: Path
    supervisor: Supervisor

    def __post_init__(self) -> None:
        self.socket = self.folder / "redis.sock"
        self.url = f"unix://{quote(str(self.socket))}"

    def start(self) -> Child:
        self.folder.mkdir()
        server = shutil.which("redis-server")
        if server is None:
            raise SystemExit("chaos: needs Redis: apt-get install redis-server")
        where = ["--unixsocket", str(self.socket), "--dir", str(self.folder)]
        command = [server, "--port", "0", *where, "--save", "", "--appendonly", "no"]
        log = self.folder / "log"
        return self.supervisor.add(Child("redis", command, dict(os.environ), log))

    def flush(self) -> int:
        """FLUSHALL; how many keys were lost."""
        with redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5) as client:
            told = client.config_get("dir")
            if told != {"dir": str(self.folder)}:
                refuse(f"the Redis at {told}")
            keys = int(client.dbsize())
            client.flushall()
        return keys
