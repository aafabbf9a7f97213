"""The main pages beside their floor: same server, same run, signed in, with their query counts.

The floor is the base layout with nothing in it (tests/bench/floor.py). CPU is what the web processes
used, wall what a visitor waited; ratios to the floor of the run are what to compare. The pages are
asked in turn, round after round, so that a slow minute of the machine hits all alike; by one visitor
and by eight at once; on SQLite and, with DATABASE_URL, on PostgreSQL. Query counts come from a
second process on the same database (tests/bench/queries.py).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from django.db import connection

from tests.bench.floor import FLOOR
from tests.chaos.ownership import children_of
from tests.stack import ROOT, Stack, start_stack
from tests.visitor import Visitor

ROUNDS = int(os.environ.get("BENCH_ROUNDS") or 10)
WARM = 1  # rounds before the clock counts
AT_ONCE = 8
REQUESTS = 8  # of one page, in one round, by all visitors together
PHONE = "13800000003"  # of the demo cast: an offer to answer
NOTHING = "no page (/healthz)"
LAYOUT = "floor: base layout alone"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Seen:
    """What the requests of one page took, in milliseconds: CPU of each on average, wall of each."""

    cpu: float = 0.0
    wall: list[float] = field(default_factory=list)

    @property
    def cpu_each(self) -> float:
        return self.cpu / len(self.wall)

    @property
    def wall_each(self) -> float:
        return statistics.median(self.wall)


def run() -> None:
    """One table a database: each page by one visitor and by eight, as ratio to the floor."""
    measure("SQLite", on_sqlite=True)
    if connection.vendor == "postgresql":
        measure("PostgreSQL", on_sqlite=False)
    else:
        print("\nPages on PostgreSQL: skipped, needs DATABASE_URL=postgres://…")


def measure(database: str, *, on_sqlite: bool) -> None:
    """Start the demo on such a database and print its table."""
    stack = start_stack(on_sqlite=on_sqlite, DJANGO_SETTINGS_MODULE="tests.bench.floor_settings")
    try:
        visitors = [signed_in(stack) for _ in range(AT_ONCE)]
        paths = addresses(visitors[0])
        queries = count_queries(stack, paths)
        processes = web_processes(stack)
        show(
            database,
            {many: visited(visitors[:many], paths, processes) for many in (1, AT_ONCE)},
            queries,
        )
    finally:
        stack.stop()


def signed_in(stack: Stack) -> Visitor:
    """A borrower with an offer to answer."""
    visitor = Visitor(stack.address)
    visitor.post("/demo/login/", {"phone": PHONE}, token_from="/demo/")
    return visitor


def addresses(visitor: Visitor) -> dict[str, str]:
    """The main pages of that borrower, by name."""
    loan = visitor.get("/jiebei/").links(r"^/jiebei/[a-z0-9]+/$")[0]
    case = visitor.get("/relief/").links(r"^/relief/[a-z0-9]+/$")[0]
    offer = visitor.get(case).links(r"/offers/\d+/$")[0]
    return {
        NOTHING: "/healthz",
        LAYOUT: f"/{FLOOR}",
        "登录 /login/": "/login/",
        "我的 /me/": "/me/",
        "借呗 /jiebei/": "/jiebei/",
        "还款计划": loan,
        "查看罚息": loan + "penalty/",
        "还款": loan + "repay/",
        "我的客服 /service/": "/service/",
        "设置 /me/settings/": "/me/settings/",
        "减免申请": case,
        "协商方案": offer,
        "消息 /me/notices/": "/me/notices/",
    }


def visited(
    visitors: list[Visitor], paths: dict[str, str], processes: list[int]
) -> dict[str, Seen]:
    """Every page by so many visitors at once, round after round."""
    seen = {name: Seen() for name in paths}
    with ThreadPoolExecutor(len(visitors)) as people:
        for turn in range(ROUNDS + WARM):
            for name, path in paths.items():
                busy = cpu_of(processes)
                who = [visitors[n % len(visitors)] for n in range(REQUESTS)]
                waited = list(people.map(asked, who, [path] * REQUESTS))
                if turn >= WARM:
                    seen[name].cpu += (cpu_of(processes) - busy) * 1000
                    seen[name].wall += waited
    return seen


def asked(visitor: Visitor, path: str) -> float:
    """Milliseconds until the whole answer was there."""
    started = time.perf_counter()
    with visitor.opener.open(urllib.request.Request(visitor.address + path)) as answer:
        answer.read()
    return (time.perf_counter() - started) * 1000


def web_processes(stack: Stack) -> list[int]:
    """The processes of gunicorn under a running demo."""
    return [pid for pid in descendants(stack.process.pid) if "gunicorn" in command_of(pid)]


def descendants(pid: int) -> Iterator[int]:
    for child in children_of(pid):
        yield child
        yield from descendants(child)


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def cpu_of(processes: list[int]) -> float:
    """Seconds of CPU that they have used so far."""
    ticks = 0
    for pid in processes:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # user and system
    return ticks / TICKS


def count_queries(stack: Stack, paths: dict[str, str]) -> dict[str, int]:
    """SQL statements by page name."""
    answer = subprocess.run(
        [sys.executable, "-m", "tests.bench.queries", PHONE, *paths.values()],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    counts = json.loads(answer.stdout.splitlines()[-1])
    return {name: counts[path] for name, path in paths.items()}


def show(database: str, seen: dict[int, dict[str, Seen]], queries: dict[str, int]) -> None:
    """The table: CPU and wall of each page by one visitor and by eight, with ratios to the floor."""
    print(f"\nPages on {database}, {ROUNDS * REQUESTS} requests each (gunicorn 2×4, demo data)\n")
    columns = [f"{what}, {many}" for many in seen for what in ("CPU ms", "× floor", "wall ms", "×")]
    print(f"| page | {' | '.join(columns)} | queries |")
    print("|---|" + "---:|" * (len(columns) + 1))
    for name, count in queries.items():
        cells = []
        for pages in seen.values():
            page, layout = pages[name], pages[LAYOUT]
            cells += [
                f"{page.cpu_each:.1f}",
                f"{page.cpu_each / layout.cpu_each:.2f}",
                f"{page.wall_each:.1f}",
                f"{page.wall_each / layout.wall_each:.2f}",
            ]
        print(f"| {name} | {' | '.join(cells)} | {count} |")
