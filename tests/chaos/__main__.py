"""`make chaos ARGS="--seed S --faults N [--embedded | --bucket]"`: harm, heal, prove; a table and a closing line."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.chaos.table import Step, closing_line, table

LOAD_ACTS, LOAD_SECONDS = 4, 10  # harm comes when so many acts have begun, or after so long


def main() -> int:
    """0 when every fault was reached and healed without a loss; 1 otherwise; 9: not ours."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--only", default="", help="only faults whose name contains this")
    parser.add_argument("--embedded", action="store_true", help="on `make demo`: SQLite, own Redis")
    parser.add_argument("--bucket", action="store_true", help="files in an object store")
    asked = parser.parse_args()

    rig = make_rig(embedded=asked.embedded, in_bucket=asked.bucket)
    try:
        rig.start_servers()
        return run(rig, asked)
    except KeyboardInterrupt:
        return 130
    finally:
        rig.stop()


def make_rig(*, embedded: bool, in_bucket: bool) -> Any:
    """The rig that was asked for; nothing of Django is read yet."""
    from tests.chaos.demo import EmbeddedRig
    from tests.chaos.rig import Rig

    return EmbeddedRig() if embedded else Rig(in_bucket=in_bucket)


@dataclass
class Play:
    """Everything a step needs."""

    rig: Any
    gate: Any
    journal: Any
    evidence: Any
    dice: Random


def run(rig: Any, asked: argparse.Namespace) -> int:
    """Everything after the servers stand: Django reads the rig's environment only now."""
    import django

    django.setup()
    from portal.core import clock
    from tests.chaos import people, proofs
    from tests.chaos.drivers import Borrower, Gate, Staff
    from tests.chaos.evidence import Evidence
    from tests.chaos.journal import Journal

    people.settle_in()
    proofs.START.append(clock.now())
    rig.start_processes()
    gate, journal = Gate(), Journal(rig.folder / "journal.jsonl")
    drivers = [Borrower(phone, rig.address, gate, journal, asked.seed) for phone in people.PHONES]
    drivers += [
        Staff(f"chaos{n}", rig.address, gate, journal, asked.seed) for n in range(people.STAFF)
    ]
    for driver in drivers:
        driver.start()
    play = Play(rig, gate, journal, Evidence(rig), Random(asked.seed))
    began = time.monotonic()
    steps = [
        one(play, number, fault, asked.seed)
        for number, fault in enumerate(chosen(rig, asked, play.dice), 1)
    ]
    gate.ended = True
    print("\n" + table(steps))
    print("\nacts: " + ", ".join(f"{name} {n}" for name, n in sorted(journal.totals().items())))
    print(f"{(time.monotonic() - began) / 60:.1f} minutes")
    print(closing_line(steps))
    return 0 if all(step.passed for step in steps) else 1


def chosen(rig: Any, asked: argparse.Namespace, dice: Random) -> list[Any]:
    """The faults in their order: every kind before any comes again."""
    from tests.chaos.embedded import EMBEDDED_FAULTS
    from tests.chaos.faults import SERVER_FAULTS
    from tests.chaos.files import BUCKET_FAULTS

    on_servers = BUCKET_FAULTS if asked.bucket else SERVER_FAULTS
    kinds = EMBEDDED_FAULTS if asked.embedded else on_servers
    if not asked.embedded and not asked.bucket and not rig.has_own_disk:
        print("skipped: disk full (needs root and mount)")
    kinds = [f for f in kinds if asked.only in f.name and (rig.has_own_disk or not f.needs_disk)]
    order: list[Any] = []
    while len(order) < asked.faults:
        order += dice.sample(kinds, len(kinds))
    return order[: asked.faults]


def one(play: Play, number: int, fault: Any, seed: str) -> Step:
    """Load, harm, more load, undo, quiet, heal, prove; and say how it went."""
    from tests.chaos import proofs

    began = healing = time.monotonic()
    play.evidence.mark()
    found: list[str] = []
    reached = True
    try:
        reached = suffer(play, fault)
        healing = time.monotonic()
        healed = healing + proofs.heal(play.rig)
        found = proofs.problems(play.rig, play.journal)
    except Exception as problem:  # whatever went wrong is this fault's failure
        healed = time.monotonic()
        found = [f"{type(problem).__name__}: {problem}", *traceback.format_exc().splitlines()[-6:]]
    ended = time.monotonic()
    step = Step(fault.name, bool(found), reached, healed - healing, ended - began)
    print(f"{number:4d} {step}")
    if not step.passed:
        found = found or [f"not reached within {fault.lasts:.0f} s"]
        print(f"     seed {seed}, step {number}, git {commit()}")
        print("\n".join(f"     {line}" for line in found[:20]))
        print(f"     evidence: {play.evidence.keep(number, fault.name, found)}")
    sys.stdout.flush()
    return step


def suffer(play: Play, fault: Any) -> bool:
    """The harm under load, and its end; whether it came about at all."""
    from portal.site.middleware import NO_FILE_NOW

    rig, gate = play.rig, play.gate
    gate.wish = fault.wish
    before = len(play.journal.acts)
    gate.open()
    time.sleep(1 + play.dice.random())
    patience = time.monotonic() + LOAD_SECONDS
    while len(play.journal.acts) < before + LOAD_ACTS and time.monotonic() < patience:
        time.sleep(0.05)
    play.journal.expect(fault.told, spares_pages=fault.spares_pages, unless=NO_FILE_NOW)
    try:
        fault.harm(rig, play.dice)
        reached = wait(play, fault)
        if fault.reached or fault.told:
            time.sleep(2)  # people press the button again
    finally:
        fault.undo(rig)
        time.sleep(1)
        gate.wish = ""
        gate.close()
        play.journal.expect("")
    return reached


def wait(play: Play, fault: Any) -> bool:
    """For as long as the fault lasts, or until somebody has walked into it."""
    if not fault.reached and not fault.told:
        time.sleep(fault.lasts)
        return True
    give_up = time.monotonic() + fault.lasts
    while time.monotonic() < give_up:
        has_come = not fault.reached or fault.reached(play.rig)
        if has_come and (play.journal.was_told or not fault.told):
            return True
        time.sleep(0.1)
    return False


def commit() -> str:
    """The commit under test."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    folder = Path(__file__).parent
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout.strip()  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
