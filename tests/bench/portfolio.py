"""The portfolio in a process of its own: `python -m tests.bench.portfolio <size> <date>`, as JSON.

Generates the books in the (empty) database of DATABASE_URL, then measures in a fresh process.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from datetime import date

import django


def main() -> None:
    """With "sum" as the size: measure only."""
    django.setup()
    size, as_of = sys.argv[1], date.fromisoformat(sys.argv[2])
    if size == "sum":
        print(json.dumps(summed(as_of)))
        return
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    started = time.perf_counter()
    call_command("generate_books", int(size), as_of=as_of)
    generated = time.perf_counter() - started
    command = [sys.executable, "-m", "tests.bench.portfolio", "sum", as_of.isoformat()]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    print(json.dumps({**json.loads(answer.stdout.splitlines()[-1]), "generated": generated}))


def summed(as_of: date) -> dict[str, object]:
    """Seconds, CPU seconds of this process, peak resident memory in MB, and the answer."""
    from loans.queries.portfolio import portfolio_penalty

    started, busy = time.perf_counter(), time.process_time()
    told = portfolio_penalty(as_of)
    seconds, cpu = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "loans": told.loans,
        "seconds": seconds,
        "cpu": cpu,
        "peak": peak,
        "penalty": str(told.penalty),
    }


if __name__ == "__main__":
    main()
