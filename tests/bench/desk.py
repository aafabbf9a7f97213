"""Queue and board beside an empty page of the desk, on SQLite and PostgreSQL, by how many cases are open.

Everything goes through the whole stack of middleware (test client) as one member of staff, page after
page in turn, so that a slow minute of the machine hits all alike. BENCH_OPEN says how many cases, e.g.
100,10000,100000. `python -m tests.bench.desk <count>` measures one size in the database of DATABASE_URL.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.db import connection

from tests.stack import ROOT, administer

SIZES = [int(size) for size in (os.environ.get("BENCH_OPEN") or "100,10000").split(",")]
ROUNDS = 15
EMPTY = "empty page (/admin/password_change/)"
PAGES = {
    EMPTY: "/admin/password_change/",
    "queue": "/admin/relief/case/",
    "queue, page 4 by amount": "/admin/relief/case/?p=4&sort=-amount",
    "search": "/admin/relief/case/?q=BENCH-OPEN-77",
    "board": "/admin/",
}
POLL = "poll without news (204)"


def run() -> None:
    """One table a database: median ms in wall time and CPU, ratio to the empty page, queries, kB."""
    for vendor in ("sqlite", "postgresql"):
        if vendor == "postgresql" and connection.vendor != vendor:
            print("\nDesk on PostgreSQL: skipped, needs DATABASE_URL=postgres://…")
            continue
        print(f"\nThe desk on {vendor}, median of {ROUNDS} (test client; CPU of Python alone)\n")
        print("| page | open cases | ms | CPU ms | × empty | queries | kB |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        for size in SIZES:
            rows = _measured_apart(vendor, size)
            for page, (wall, cpu, queries, size_kb) in rows.items():
                ratio = wall / rows[EMPTY][0]
                print(
                    f"| {page} | {size:,} | {wall:.1f} | {cpu:.1f} | {ratio:.1f} "
                    f"| {queries:.0f} | {size_kb:.0f} |"
                )


def _measured_apart(vendor: str, size: int) -> dict[str, list[float]]:
    """What a process of its own says, on a database of its own."""
    with _database(vendor, size) as url:
        answer = subprocess.run(
            [sys.executable, "-m", "tests.bench.desk", str(size)],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            raise RuntimeError(answer.stderr[-3000:])
        found: dict[str, list[float]] = json.loads(answer.stdout.splitlines()[-1])
        return found


@contextmanager
def _database(vendor: str, size: int) -> Iterator[str]:
    if vendor == "sqlite":
        with tempfile.TemporaryDirectory(prefix="kuanxi-bench-") as folder:
            yield f"sqlite:///{Path(folder) / 'desk.sqlite3'}"
        return
    name = f"kuanxi_bench_desk_{size}_{os.getpid()}"
    administer(f'CREATE DATABASE "{name}"')
    try:
        yield os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/" + name
    finally:
        administer(f'DROP DATABASE "{name}" WITH (FORCE)')


def measured(size: int) -> dict[str, list[float]]:
    """Fill the database, then by page: median wall and CPU ms, queries, kB."""
    from django.core.management import call_command
    from django.test import Client
    from django.test.utils import CaptureQueriesContext, setup_test_environment

    from portal.core import clock
    from portal.core.kernel.roles import Rank
    from portal.core.web import proofs
    from tests.bench.backlog import open_cases
    from tests.factories import NOW, staff

    setup_test_environment(debug=False)
    call_command("migrate", verbosity=0)
    with clock.frozen(NOW):
        open_cases(size, now=NOW, with_books=25)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")
        client = Client()
        client.force_login(staff(Rank.MANAGER, "bench-manager"))
        session = client.session
        proofs.mark_proven(session)  # the second factor
        session.save()
        seen = client.get(PAGES["queue"]).context["queue"].version
        paths = {page: (path, {}) for page, path in PAGES.items()}
        polled = {"HX-Request": "true"}
        paths[POLL] = (f"{PAGES['queue']}?seen={seen}&since={NOW:%Y-%m-%dT%H:%M}%2B08:00", polled)
        times: dict[str, list[tuple[float, float]]] = {page: [] for page in paths}
        found = {}
        for turn in range(ROUNDS + 2):
            for page, (path, headers) in paths.items():
                wall, cpu = time.perf_counter(), time.process_time()
                answer = client.get(path, headers=headers)
                spent = time.perf_counter() - wall, time.process_time() - cpu
                assert answer.status_code == (204 if page == POLL else 200), (page, answer)
                if turn >= 2:  # the first rounds warm what is kept
                    times[page].append(spent)
        for page, (path, headers) in paths.items():
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(path, headers=headers)
            medians = [statistics.median(one) * 1000 for one in zip(*times[page], strict=True)]
            found[page] = [*medians, len(queries), len(answer.content) / 1000]
    return found


if __name__ == "__main__":
    django.setup()
    print(json.dumps(measured(int(sys.argv[1]))))
