"""The rig's own PostgreSQL and Redis: on unix sockets in its temporary folder, nobody else's."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis

from tests.chaos.ownership import refuse
from tests.chaos.processes import Child, Supervisor

TIMEOUT = 60


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
