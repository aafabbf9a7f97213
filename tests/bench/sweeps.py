"""The sweeps at scale: due deadlines and queued notices by 1 and 2 workers, beside a Celery no-op.

On a PostgreSQL and a Redis of its own (those of the fault rig), through a real Celery worker; the
no-op runs on the same broker in the same run. BENCH_ROWS says how many rows (default 20000).
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

ROWS = int(os.environ.get("BENCH_ROWS") or 20_000)
NO_OPS = 3000
QUEUES = "default,notices,deadlines"
POLL = 0.2


@dataclass(frozen=True)
class Line:
    """One measured run: rows a second, and the worker's largest child in MB before and after."""

    what: str
    workers: int
    rows: int
    seconds: float
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
    """No-op, deadlines, notices with so many workers."""
    from portal import clock
    from portal.celery import app
    from portal.models import Delivery
    from relief.models import Deadline
    from tests.bench import backlog
    from tests.chaos.people import morning

    clock.advance_to(morning(clock.now()))
    rig.redis.flush()  # what the worker before was killed with would count as work
    log = rig.folder / f"bench{workers}.log"
    worker = rig.supervisor.add(
        Child(f"bench{workers}", worker_command(workers), rig.environment, log)
    )

    def send(task: str, times: int, queue: str) -> None:
        for _ in range(times):
            app.send_task(task, queue=queue)

    def no_ops_left() -> int:
        return in_queue("default") + unacknowledged()

    def in_queue(name: str) -> int:
        with app.connection_for_read() as broker:
            return int(broker.default_channel.client.llen(name))

    def unacknowledged() -> int:
        with app.connection_for_read() as broker:
            return int(broker.default_channel.client.hlen("unacked"))

    def drive(task: str, queue: str, left: Callable[[], int]) -> Callable[[], int]:
        """As beat does: wake as many workers as there are, again and again."""

        def look() -> int:
            count = left()
            if count and in_queue(queue) < workers and unacknowledged() < workers:
                send(task, 1, queue)
            return count

        return look

    warm_up(send, no_ops_left)
    due_at = clock.now() - timedelta(minutes=1)
    send("tests.bench.noop", NO_OPS, "default")
    lines = [timed("Celery no-op", workers, NO_OPS, worker, no_ops_left)]
    backlog.due_deadlines(ROWS, due_at=due_at)
    Delivery.objects.filter(status="pending").update(next_attempt_at=due_at + timedelta(days=9))
    left = drive("relief.tasks.sweep_deadlines", "deadlines", lambda: count_due(Deadline))
    lines.append(timed("deadlines", workers, ROWS, worker, left))
    Delivery.objects.filter(status="pending").update(next_attempt_at=due_at + timedelta(days=9))
    backlog.queued_notices(ROWS, due_at=due_at)
    left = drive("portal.tasks.deliver_due", "notices", lambda: count_unsent(Delivery))
    lines.append(timed("notices", workers, ROWS, worker, left))
    rig.supervisor.hold(worker)
    return lines


def count_due(model: type) -> int:
    from portal import clock

    return int(model.objects.due(clock.now()).count())


def count_unsent(model: type) -> int:
    return int(model.objects.filter(event="bench", status__in=["pending", "claimed"]).count())


def warm_up(send: Callable[[str, int, str], None], left: Callable[[], int]) -> None:
    """Wait until the worker has started."""
    send("tests.bench.noop", 20, "default")
    while left():
        time.sleep(POLL)


def timed(what: str, workers: int, rows: int, worker: Child, left: Callable[[], int]) -> Line:
    before, started = largest_child(worker), time.perf_counter()
    while left():
        time.sleep(POLL)
    seconds = time.perf_counter() - started
    print(f"… {what}, {workers}: {rows} in {seconds:.1f} s", flush=True)
    return Line(what, workers, rows, seconds, before, largest_child(worker))


def largest_child(worker: Child) -> float:
    """Resident megabytes of the pool process that has most."""
    sizes = []
    for pid in children_of(worker.pid):
        text = Path(f"/proc/{pid}/status").read_text()
        sizes += [int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")]
    return max(sizes, default=0) / 1024


def worker_command(workers: int) -> list[str]:
    command = [sys.executable, "-m", "celery", "-A", "tests.bench.noop:app", "worker"]
    options = ["--loglevel", "warning", "--without-mingle", "--without-gossip"]
    return [*command, "--concurrency", str(workers), "--queues", QUEUES, *options]


def show(lines: list[Line]) -> None:
    print("\nSweeps on PostgreSQL and Redis, real Celery worker\n")
    print("| what | workers | rows | rows/s | × no-op | RSS before, after (MB) |")
    print("|---|---:|---:|---:|---:|---:|")
    floor = {line.workers: line.rows / line.seconds for line in lines if "no-op" in line.what}
    for line in lines:
        rate = line.rows / line.seconds
        print(
            f"| {line.what} | {line.workers} | {line.rows} | {rate:.0f} "
            f"| {rate / floor[line.workers]:.2f} | {line.before:.0f}, {line.after:.0f} |"
        )


if __name__ == "__main__":
    main()
