"""The faults: each does its harm, lasts for a while under load, and is undone as far as needed."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import psycopg

from portal import clock
from tests.chaos.people import morning
from tests.chaos.rig import Rig

KILL, STOP, GO = signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT


@dataclass(frozen=True)
class Fault:
    """`harm` is done at once; after `lasts` seconds `undo` says what a rescuer would do."""

    name: str
    harm: Callable[[Rig, Random], None]
    undo: Callable[[Rig], None] = lambda rig: None
    lasts: float = 3
    needs_disk: bool = False


def kill_worker_child(rig: Rig, dice: Random) -> None:
    rig.supervisor.signal_one_below(rig.worker, KILL, dice.randrange(9))


def kill_worker(rig: Rig, dice: Random) -> None:
    rig.supervisor.signal_all(rig.worker, KILL)


def kill_web_child(rig: Rig, dice: Random) -> None:
    rig.supervisor.signal_one_below(rig.web, KILL, dice.randrange(9))


def kill_web(rig: Rig, dice: Random) -> None:
    rig.supervisor.signal_all(rig.web, KILL)


def stop_worker(rig: Rig, dice: Random) -> None:
    """It hangs, its leases run out meanwhile; when it goes on it may not finish what others took."""
    rig.supervisor.signal_all(rig.worker, STOP)
    clock.advance_to(clock.now() + timedelta(seconds=160))


def stop_web_child(rig: Rig, dice: Random) -> None:
    rig.supervisor.signal_one_below(rig.web, STOP, dice.randrange(9))


def flush_redis(rig: Rig, dice: Random) -> None:
    rig.redis.flush()


def kill_redis(rig: Rig, dice: Random) -> None:
    rig.supervisor.hold(rig.supervisor.children["redis"])


def stop_redis(rig: Rig, dice: Random) -> None:
    rig.supervisor.signal_all(rig.supervisor.children["redis"], STOP)


def crash_database(rig: Rig, dice: Random) -> None:
    rig.postgres.crash()


def lock_database(rig: Rig, dice: Random) -> None:
    """Somebody holds a lock on every case for longer than anybody waits."""

    def hold() -> None:
        try:
            with rig.postgres.connect() as session:
                session.execute("LOCK TABLE relief_case IN EXCLUSIVE MODE")
                time.sleep(7)
        except psycopg.Error:
            return

    threading.Thread(target=hold, daemon=True).start()


def provider(mode: str) -> Callable[[Rig, Random], None]:
    def harm(rig: Rig, dice: Random) -> None:
        rig.provider.mode = mode

    return harm


def two_beats(rig: Rig, dice: Random) -> None:
    rig.extra_beat()


def stop_beat(rig: Rig, dice: Random) -> None:
    """No beat for an hour of business time."""
    rig.supervisor.hold(rig.beat)
    clock.advance_to(clock.now() + timedelta(hours=1))


def fill_disk(rig: Rig, dice: Random) -> None:
    rig.fill_disk()


def jump_clock(rig: Rig, dice: Random) -> None:
    """To the next morning, or some days on: everything due in between is due now."""
    clock.advance_to(morning(clock.now() + timedelta(days=dice.randrange(3))))


def worker_day_off(rig: Rig, dice: Random) -> None:
    """No worker for a whole business day."""
    rig.supervisor.hold(rig.worker)
    clock.advance_to(morning(clock.now()))


def _go_web(rig: Rig) -> None:
    rig.supervisor.signal_all(rig.web, GO)


def _go_worker(rig: Rig) -> None:
    rig.supervisor.signal_all(rig.worker, GO)


def _go_redis(rig: Rig) -> None:
    rig.supervisor.signal_all(rig.supervisor.children["redis"], GO)


def _well(rig: Rig) -> None:
    rig.provider.mode = "well"


def _one_beat(rig: Rig) -> None:
    rig.supervisor.hold(rig.supervisor.children["beat2"])
    del rig.supervisor.children["beat2"]


FAULTS = (
    Fault("worker child killed", kill_worker_child),
    Fault("worker killed", kill_worker),
    Fault("web child killed", kill_web_child),
    Fault("web killed", kill_web),
    Fault("worker stopped, lease over", stop_worker, _go_worker, 6),
    Fault("web child stopped", stop_web_child, _go_web, 5),
    Fault("redis flushed", flush_redis),
    Fault("redis killed, empty", kill_redis, lambda rig: rig.supervisor.children["redis"].start()),
    Fault("redis stopped", stop_redis, _go_redis, 6),
    Fault("database crashed", crash_database),
    Fault("database locked", lock_database, lasts=8),
    Fault("provider hangs", provider("hang"), _well, 10),
    Fault("provider answers 500", provider("error"), _well, 4),
    Fault("provider's answer lost", provider("lost"), _well, 4),
    Fault("provider takes twice", provider("twice"), _well, 4),
    Fault("provider never answers", provider("never"), _well, 4),
    Fault("two beats", two_beats, _one_beat, 8),
    Fault("beat off for an hour", stop_beat, lambda rig: rig.beat.start()),
    Fault("disk full", fill_disk, Rig.empty_disk, 5, needs_disk=True),
    Fault("clock jumps", jump_clock),
    Fault("worker off for a day", worker_day_off, lambda rig: rig.worker.start()),
)
