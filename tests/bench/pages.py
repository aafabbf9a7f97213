"""The main pages beside an empty view: same server, same run, signed in, with their query counts.

The pages are asked in turn, round after round, so that a slow minute of the machine hits all alike.
Query counts come from a second process on the same database (tests/bench/queries.py).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import urllib.request

from tests.stack import ROOT, Stack, start_stack
from tests.visitor import Visitor

ROUNDS = 60
PHONE = "13800000003"  # of the demo cast: an offer to answer
EMPTY = "empty view (/healthz)"


def run() -> None:
    """Print one row a page: median ms, ratio to the empty view, SQL queries."""
    stack = start_stack()
    try:
        visitor, paths = signed_in(stack)
        times: dict[str, list[float]] = {name: [] for name in paths}
        queries = count_queries(stack, paths)
        for turn in range(ROUNDS + 5):
            for name, path in paths.items():
                started = time.perf_counter()
                answer = visitor.opener.open(urllib.request.Request(stack.address + path))
                answer.read()
                if turn >= 5:  # the first rounds warm the caches
                    times[name].append((time.perf_counter() - started) * 1000)
        show(times, queries)
    finally:
        stack.stop()


def signed_in(stack: Stack) -> tuple[Visitor, dict[str, str]]:
    """A borrower with an offer to answer, and the addresses of the main pages."""
    visitor = Visitor(stack.address)
    visitor.post("/demo/login/", {"phone": PHONE}, token_from="/demo/")
    loan = visitor.get("/jiebei/").links(r"^/jiebei/[a-z0-9]+/$")[0]
    case = visitor.get("/relief/").links(r"^/relief/[a-z0-9]+/$")[0]
    offer = visitor.get(case).links(r"/offers/\d+/$")[0]
    return visitor, {
        EMPTY: "/healthz",
        "登录 /login/": "/login/",
        "我的 /me/": "/me/",
        "借呗 /jiebei/": "/jiebei/",
        "还款计划": loan,
        "查看罚息": loan + "penalty/",
        "还款": loan + "repay/",
        "我的客服 /service/": "/service/",
        "减免申请": case,
        "协商方案": offer,
        "消息 /me/notices/": "/me/notices/",
    }


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


def show(times: dict[str, list[float]], queries: dict[str, int]) -> None:
    """The table, with the ratio to the empty view of the same run."""
    empty = statistics.median(times[EMPTY])
    print(f"\nPages, median of {ROUNDS} (one visitor, gunicorn 2×4, demo data)\n")
    print("| page | ms | × empty | queries |\n|---|---:|---:|---:|")
    for name, values in times.items():
        middle = statistics.median(values)
        print(f"| {name} | {middle:.1f} | {middle / empty:.1f} | {queries[name]} |")
