"""The sweeps at scale: due deadlines and queued notices by 1 and 2 workers, beside a Celery no-op.

On a PostgreSQL and a Redis of its own (those of the fault rig), through a real Celery worker; the
no-op runs on the same broker in the same run. BENCH_ROWS says how many rows (default 100000).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.chaos.ownership import children_of
from tests.chaos.processes import ROOT, Child
from tests.chaos.rig import Rig

ROWS = int(os.environ.get("BENCH_ROWS") or 100_000)
NO_OPS = 3000
POLL = 0.5
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Line:
    """One measured run: elapsed and CPU seconds, the worker's largest child in MB before and after."""

    what: str
    workers: int
    rows: int
    seconds: float
    cpu: float
    before: float
    after: float


def run() -> None:
    """In a process of its own: the settings are the rig's, not the suite's."""
    subprocess.run([sys.executable, "-m", "tests.bench.sweeps"], cwd=ROOT, check=True)


def main() -> None:
    rig = Rig()
    try:
        rig.start_servers()
        rig.environment["SMS_BACKEND"] = os.environ["SMS_BACKEND"] = "console"
        import django

        django.setup()
        show([line for workers in (1, 2) for line in measure(rig, workers)])
    finally:
        rig.stop()


def measure(rig: Rig, workers: int) -> list[Line]:
    """No-op and deadlines, then notices, with so many workers.

    Each by a fresh worker for this kind of work only: what deadlines write is not sent meanwhile.
    """
    from django.db import connection

    from portal.core import clock
    from portal.core.models import Delivery
    from relief.cases.models import Deadline
    from tests.bench import backlog
    from tests.chaos.people import morning

    with connection.cursor() as cursor:  # the bench may take its time; the product may not
        cursor.execute("SET statement_timeout = 0")
    clock.advance_to(morning(clock.now()))
    due_at = clock.now() - timedelta(minutes=1)
    crew = Crew(rig, workers, "deadlines")
    send("tests.bench.noop", NO_OPS, "default")
    lines = [crew.timed("Celery no-op", NO_OPS, crew.is_busy)]
    backlog.due_deadlines(ROWS, due_at=due_at)
    settle()
    lines.append(crew.drive("relief.tasks.sweep_deadlines", ROWS, lambda: some_due(Deadline)))
    crew.stop()
    crew = Crew(rig, workers, "notices")
    Delivery.objects.due(clock.now()).update(next_attempt_at=due_at + timedelta(days=9))
    backlog.queued_notices(ROWS, due_at=due_at)
    settle()
    lines.append(crew.drive("portal.tasks.deliver_due", ROWS, lambda: some_unsent(Delivery)))
    crew.stop()
    return lines


class Crew:
    """A Celery worker with so many processes, for no-ops and one queue of the product."""

    def __init__(self, rig: Rig, workers: int, queue: str) -> None:
        self.rig, self.workers, self.queue = rig, workers, queue
        rig.redis.flush()  # what the worker before was killed with would count as work
        name = f"{queue}{workers}"
        command = worker_command(workers, f"default,{queue}")
        self.worker = rig.supervisor.add(
            Child(name, command, rig.environment, rig.folder / f"{name}.log")
        )
        send("tests.bench.noop", 20, "default")
        while self.is_busy():  # until it has started
            time.sleep(POLL)

    def is_busy(self) -> bool:
        """Whether no-ops wait or run."""
        return in_queue("default") + unacknowledged() > 0

    def drive(self, task: str, rows: int, left: Callable[[], bool]) -> Line:
        """As beat does: wake as many workers as there are, again and again."""

        def look() -> bool:
            more = left()
            if more and max(in_queue(self.queue), unacknowledged()) < self.workers:
                send(task, 1, self.queue)
            return more

        return self.timed(self.queue, rows, look)

    def timed(self, what: str, rows: int, left: Callable[[], bool]) -> Line:
        worker = self.worker
        before, cpu, started = largest_child(worker), cpu_of(worker), time.perf_counter()
        while left():
            time.sleep(POLL)
        seconds, cpu = time.perf_counter() - started, cpu_of(worker) - cpu
        print(f"… {what}, {self.workers}: {rows} in {seconds:.1f} s", flush=True)
        return Line(what, self.workers, rows, seconds, cpu, before, largest_child(worker))

    def stop(self) -> None:
        self.rig.supervisor.hold(self.worker)


def send(task: str, times: int, queue: str) -> None:
    from portal.site.celery import app

    for _ in range(times):
        app.send_task(task, queue=queue)


def in_queue(name: str) -> int:
    from portal.site.celery import app

    with app.connection_for_read() as broker:
        return int(broker.default_channel.client.llen(name))


def unacknowledged() -> int:
    from portal.site.celery import app

    with app.connection_for_read() as broker:
        return int(broker.default_channel.client.hlen("unacked"))


def some_due(model: type) -> bool:
    from portal.core import clock

    return bool(model.objects.due(clock.now()).exists())


def some_unsent(model: type) -> bool:
    from portal.core import clock

    due = model.objects.due(clock.now()) | model.objects.filter(status="claimed")
    return bool(due.order_by().exists())


def settle() -> None:
    """What autovacuum does within a minute of such a flood, done now."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def largest_child(worker: Child) -> float:
    """Resident megabytes of the pool process that has most."""
    sizes = []
    for pid in children_of(worker.pid):
        text = Path(f"/proc/{pid}/status").read_text()
        sizes += [int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")]
    return max(sizes, default=0) / 1024


def cpu_of(worker: Child) -> float:
    """Seconds of CPU that the pool's processes have used so far."""
    ticks = 0
    for pid in children_of(worker.pid):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # user and system
    return ticks / TICKS


def worker_command(workers: int, queues: str) -> list[str]:
    command = [sys.executable, "-m", "celery", "-A", "tests.bench.noop:app", "worker"]
    options = ["--loglevel", "warning", "--without-mingle", "--without-gossip"]
    return [*command, "--concurrency", str(workers), "--queues", queues, *options]


def show(lines: list[Line]) -> None:
    print("\nSweeps on PostgreSQL and Redis, real Celery worker\n")
    print("| what | workers | rows | rows/s | × no-op | CPU ms a row | RSS before, after (MB) |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    floor = {line.workers: line.rows / line.seconds for line in lines if "no-op" in line.what}
    for line in lines:
        rate = line.rows / line.seconds
        print(
            f"| {line.what} | {line.workers} | {line.rows} | {rate:.0f} "
            f"| {rate / floor[line.workers]:.2f} | {line.cpu / line.rows * 1000:.2f} "
            f"| {line.before:.0f}, {line.after:.0f} |"
        )


if __name__ == "__main__":
    main()
