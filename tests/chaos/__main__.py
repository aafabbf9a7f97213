"""`make chaos ARGS="--seed S --faults N"`: harm, heal, prove; a table and one closing line."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import traceback
from collections import defaultdict
from pathlib import Path
from random import Random
from statistics import median
from typing import Any


def main() -> int:
    """0 when every fault healed without a loss; 1 otherwise; 9 when something was not ours."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--only", default="", help="only faults whose name contains this")
    parser.add_argument("--keep", action="store_true", help="leave the folder for a look")
    asked = parser.parse_args()

    from tests.chaos.rig import Rig

    rig = Rig()
    try:
        rig.start_servers()
        return run(rig, asked)
    except KeyboardInterrupt:
        return 130
    finally:
        if asked.keep:
            subprocess.run(["cp", "-r", str(rig.folder), f"{rig.folder}-kept"], check=False)
            print(f"kept: {rig.folder}-kept")
        rig.stop()


def run(rig: Any, asked: argparse.Namespace) -> int:
    """Everything after the servers stand: Django reads the rig's environment only now."""
    import django

    django.setup()
    from portal import clock
    from tests.chaos import people, proofs
    from tests.chaos.drivers import Borrower, Gate, Staff
    from tests.chaos.faults import FAULTS
    from tests.chaos.journal import Journal

    people.settle_in()
    proofs.START.append(clock.now())
    rig.start_processes()
    gate, journal = Gate(), Journal(rig.folder / "journal.jsonl")
    phones = [f"1390000{number:04d}" for number in range(people.BORROWERS)]
    drivers = [Borrower(phone, rig.address, gate, journal, asked.seed) for phone in phones]
    drivers += [Staff(f"chaos{n}", gate, journal, asked.seed) for n in range(people.STAFF)]
    for driver in drivers:
        driver.start()
    kinds = [f for f in FAULTS if asked.only in f.name and (rig.has_own_disk or not f.needs_disk)]
    if not rig.has_own_disk:
        print("skipped: disk full (needs root and mount)")
    dice = Random(asked.seed)
    order: list[Any] = []
    while len(order) < asked.faults:
        order += dice.sample(kinds, len(kinds))  # every kind before any comes again
    tally: dict[str, list[float]] = defaultdict(list)
    failed: dict[str, int] = defaultdict(int)
    for step, fault in enumerate(order[: asked.faults], 1):
        found, seconds = one(rig, fault, gate, journal, dice)
        tally[fault.name].append(seconds)
        failed[fault.name] += bool(found)
        print(
            f"{step:4d} {fault.name:28} healed in {seconds:5.1f} s  {'FAILED' if found else 'ok'}"
        )
        if found:
            print(f"     seed {asked.seed}, step {step}, git {commit()}")
            print("\n".join(f"     {line}" for line in found[:20]), flush=True)
        sys.stdout.flush()
    gate.ended = True
    return report(tally, failed, journal)


def one(rig: Any, fault: Any, gate: Any, journal: Any, dice: Random) -> tuple[list[str], float]:
    """Load, harm, more load, undo, quiet, heal, prove."""
    from tests.chaos import proofs

    gate.open()
    time.sleep(1 + dice.random())
    try:
        fault.harm(rig, dice)
        time.sleep(fault.lasts)
    finally:
        fault.undo(rig)
    time.sleep(1)
    gate.close()
    started = time.monotonic()
    try:
        proofs.heal(rig)
        found = proofs.problems(rig, journal)
    except Exception as problem:  # whatever went wrong is this fault's failure
        found = [f"{type(problem).__name__}: {problem}", *traceback.format_exc().splitlines()[-6:]]
    return found, time.monotonic() - started


def report(tally: dict[str, list[float]], failed: dict[str, int], journal: Any) -> int:
    """The table of faults, what the drivers did, and the closing line."""
    print("\n| fault | times | failed | median s to heal | longest |\n|---|---:|---:|---:|---:|")
    for name, seconds in sorted(tally.items()):
        print(
            f"| {name} | {len(seconds)} | {failed[name]} | {median(seconds):.1f} | {max(seconds):.1f} |"
        )
    done = ", ".join(f"{name} {count}" for name, count in sorted(journal.totals().items()))
    print(f"\nacts: {done}")
    bad, all_of_them = sum(failed.values()), sum(len(each) for each in tally.values())
    print(f"{all_of_them - bad} passed, {bad} failed")
    return 1 if bad else 0


def commit() -> str:
    """The commit under test."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    folder = Path(__file__).parent
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout.strip()  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
