"""A database of the previous version migrates with its data, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings

HERE = Path(__file__).parent
VERSIONS = sorted(HERE.glob("*.json"))
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "SECRET_KEY")


@pytest.fixture
def empty_postgres() -> Iterator[str]:
    """The address of a database that is made for the test and dropped behind it."""
    import psycopg

    given = settings.DATABASES["default"]
    where = {"host": given["HOST"], "port": given["PORT"], "user": given["USER"]}
    where = {name: value for name, value in where.items() if value}
    name = f"kuanxi_old_{os.getpid()}"
    if given["PASSWORD"]:
        where["password"] = given["PASSWORD"]
    with psycopg.connect(**where, dbname="postgres", autocommit=True) as server:  # type: ignore[arg-type]
        server.execute(f"CREATE DATABASE {name}")
        try:
            host, port = quote(str(given["HOST"]), safe=""), given["PORT"]
            user = quote(given["USER"] or "", safe="")
            secret = f":{quote(given['PASSWORD'], safe='')}" if given["PASSWORD"] else ""
            yield f"postgres://{user}{secret}@{host}{f':{port}' if port else ''}/{name}"
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def upgrade(version: Path, database: str, folder: Path) -> None:
    """In a process of its own, as `manage.py migrate` would run."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment |= {"DEMO": "1", "DATABASE_URL": database, "PRIVATE_ROOT": str(folder / "private")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.upgrade.upgrade", str(version)],
        cwd=HERE.parents[1],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.stem)
def test_a_sqlite_database_of_the_previous_version(version: Path, tmp_path: Path) -> None:
    upgrade(version, f"sqlite:///{tmp_path}/old.sqlite3", tmp_path)


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.stem)
def test_a_postgres_database_of_the_previous_version(
    version: Path, tmp_path: Path, empty_postgres: str
) -> None:
    upgrade(version, empty_postgres, tmp_path)
