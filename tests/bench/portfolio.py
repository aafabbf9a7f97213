"""The portfolio and the journal, each measured in a process of its own: `python -m tests.bench.portfolio`.

`… <size> <date>` generates the books in the (empty) database of DATABASE_URL and measures everything;
`… <what> <date>` measures one thing: penalty, figures, whole, csv, xlsx, chunks. Answers are JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from loans.queries.portfolio import LoanFigures

ALONE = ("penalty", "figures", "whole", "csv", "xlsx")
WORKERS = (1, 2)
AWAKE = "awake\n"  # a process says it when Django is loaded, and begins when it hears it
MOST_AS_XLSX = (
    10_000  # loans: their journal is half a minute's work, and what takes longer says no more
)


def main() -> None:
    """With a size: generate, then every measurement; else the one that is named."""
    django.setup()
    what, as_of = sys.argv[1], date.fromisoformat(sys.argv[2])
    if what in ALONE:
        print(json.dumps(measured(what, as_of)))
    elif what == "chunks":
        print(json.dumps(counted()))
    else:
        print(json.dumps(generated(int(what), as_of)))


def generated(size: int, as_of: date) -> dict[str, object]:
    """Seconds of generating, then what each process of its own says."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    started = time.perf_counter()
    call_command("generate_books", size, as_of=as_of)
    answer: dict[str, object] = {"generated": time.perf_counter() - started}
    for what in ALONE:
        if what != "xlsx" or size <= MOST_AS_XLSX:
            answer[what] = _said(_begun(what, as_of))
    answer["chunks"] = {workers: spread(workers, as_of) for workers in WORKERS}
    return answer


def _begun(what: str, as_of: date) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.bench.portfolio", what, as_of.isoformat()]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )


def _said(process: subprocess.Popen[str]) -> dict[str, object]:
    """The JSON on the last line of what a process said."""
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"exit {process.returncode}: {said}")
    found: dict[str, object] = json.loads(said.splitlines()[-1])
    return found


def measured(what: str, as_of: date) -> dict[str, object]:
    """Rows, seconds, CPU seconds of this process and of its database session, peak MB, and a sum."""
    from loans.queries.portfolio import each_loan, read_whole

    act: Callable[[date], tuple[int, str]] = {
        "penalty": penalty,
        "figures": lambda on: figures(on, each_loan),
        "whole": lambda on: figures(on, read_whole),
        "csv": lambda on: journal_file("csv", on),
        "xlsx": lambda on: journal_file("xlsx", on),
    }[what]
    started, busy, there = time.perf_counter(), time.process_time(), session_cpu()
    rows, told = act(as_of)
    return {
        "rows": rows,
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - busy,
        "session": session_cpu() - there,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "told": told,
    }


def penalty(as_of: date) -> tuple[int, str]:
    """Outstanding penalty of every loan past due."""
    from loans.queries.portfolio import portfolio_penalty

    found = portfolio_penalty(as_of)
    return found.loans, str(found.penalty)


def figures(as_of: date, read: Callable[[date], Iterator[LoanFigures]]) -> tuple[int, str]:
    """Every figure of the report, by bucket and class, added up as they come."""
    from loans.domain.risk import RiskRules
    from loans.queries.portfolio import PortfolioSums, cells_of

    cells = cells_of(read(as_of), RiskRules())
    total = PortfolioSums.summed(cell.sums for cell in cells)
    digest = sha256(repr(cells).encode()).hexdigest()[:8]  # equal where every cell is
    return total.loans, f"{total.total}, {digest}"


def session_cpu() -> float:
    """Seconds of CPU that PostgreSQL's process for this connection has used so far."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")  # user and system


def journal_file(kind: str, as_of: date) -> tuple[int, str]:
    """The journal of all time up to a date as a file."""
    from loans.presenters.accounts import journal_table
    from loans.presenters.exports import Format, write
    from loans.queries.chart import chart_of_accounts
    from loans.queries.journal import Period, journal
    from portal.core.snapshot import snapshot

    period = Period(date(2000, 1, 1), as_of)
    with tempfile.TemporaryFile() as out, snapshot():
        rows = write(journal_table(journal(period), period, chart_of_accounts()), Format(kind), out)
        return rows, f"{out.seek(0, 2) / 1e6:.0f} MB"


def spread(workers: int, as_of: date) -> dict[str, object]:
    """What so many processes take, once they are all awake, to count a report that is ordered now.

    Seconds until the last is done, CPU seconds of the busiest and of all, peak MB of the largest.
    On a machine with other work the CPU of the busiest says what a second worker gains.
    """
    from loans.models import PortfolioReport
    from loans.services.portfolio import order_report
    from portal.core import clock
    from portal.core.models import User

    actor = User.objects.filter(username="bench-manager").first()
    actor = actor or User.objects.create_staff("bench-manager", "测量", "MANAGER")
    report = order_report(as_of=as_of, today=as_of, actor=actor, now=clock.now())
    processes = [_begun("chunks", as_of) for _ in range(workers)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == AWAKE
    started = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(AWAKE)
    told = [_said(process) for process in processes]
    seconds = time.perf_counter() - started
    assert PortfolioReport.objects.filter(pk=report.pk, finished_at__isnull=False).exists()
    cpu = [float(str(one["cpu"])) for one in told]
    peak = max(int(str(one["peak"])) for one in told)
    return {"seconds": seconds, "busiest": max(cpu), "cpu": sum(cpu), "peak": peak}


def counted() -> dict[str, object]:
    """Chunks that this process counts, from the word on its input until none is left."""
    from loans.services.portfolio import count_chunks
    from portal.core import clock

    print(AWAKE, end="", flush=True)
    sys.stdin.readline()
    busy = time.process_time()
    chunks = count_chunks(now=clock.now(), real_now=clock.real_now(), seconds=3600)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"chunks": chunks, "cpu": time.process_time() - busy, "peak": peak}


if __name__ == "__main__":
    main()
