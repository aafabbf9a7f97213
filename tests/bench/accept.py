"""Accepting an offer through HTTP on PostgreSQL: statements and milliseconds, by the size of the books.

Each size has a database of its own, and a process of its own (tests/bench/accepting.py) that fills
it and serves it with production settings: gunicorn, Argon2, throttles, a Redis for the wake-ups.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from django.db import connection

from tests.stack import ROOT, administer

SIZES = (100, 100_000)
GOAL = 60


def run() -> None:
    """One row a size; skipped where there is no PostgreSQL."""
    if connection.vendor != "postgresql":
        print("\nAccepting: skipped, needs DATABASE_URL=postgres://…")
        return
    print(f"\nAccepting an offer: POST with password, executed on the books (goal ≤ {GOAL} SQL)\n")
    print(
        "| loans in the books | SQL statements | of them session, login, throttle | median ms "
        "| p90 ms | Argon2 alone ms | check_books |\n|---:|---:|---:|---:|---:|---:|---|"
    )
    for size in SIZES:
        name = f"kuanxi_accept_{size}_{os.getpid()}"
        administer(f'CREATE DATABASE "{name}"')
        try:
            show(measure(name, size))
        finally:
            administer(f'DROP DATABASE "{name}" WITH (FORCE)')


def measure(name: str, size: int) -> dict[str, float]:
    """What the child found out."""
    with tempfile.TemporaryDirectory(prefix="kuanxi-accept-") as folder:
        answer = subprocess.run(
            [sys.executable, "-m", "tests.bench.accepting", str(size)],
            cwd=ROOT,
            env={
                **{k: v for k, v in os.environ.items() if k != "PRIVATE_ROOT"},
                "DATABASE_URL": os.environ["DATABASE_URL"].rsplit("/", 1)[0] + "/" + name,
                "DJANGO_SETTINGS_MODULE": "portal.site.settings",
                "SECRET_KEY": "bench-only-key-" + "0123456789" * 5,
                "EVIDENCE_KEYS": "bench-only-key-" + "0123456789" * 2,
                "LENDER_NAME": "某某消费金融有限公司",
                "LENDER_ADDRESS": "上海市某路 8 号",
                "LENDER_CODE": "91310000MA1FL5AB0X",
                **{"DEMO": "0", "HTTPS": "0", "VAR_DIR": folder, "LOG_LEVEL": "ERROR"},
                "REDIS_URL": f"unix://{folder}/redis.sock",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    if answer.returncode:
        raise RuntimeError(answer.stdout[-2000:] + answer.stderr[-4000:])
    told: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return told


def show(told: dict[str, float]) -> None:
    """One row of the table."""
    print(
        f"| {told['loans']:,.0f} | {told['statements']:.0f} | {told['around']:.0f} "
        f"| {told['median']:.1f} | {told['p90']:.1f} | {told['argon2']:.1f} "
        f"| {'0 violations' if not told['violations'] else told['violations']} |"
    )
