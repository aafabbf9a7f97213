"""The faults: each does its harm, lasts for a while under load, and is undone as far as needed."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from random import Random

import psycopg

from portal.core import clock
from portal.core.kernel.businesstime import instant_at
from tests.chaos.crashes import CRASHES
from tests.chaos.fault import Fault
from tests.chaos.files import FILE_FAULTS
from tests.chaos.people import morning
from tests.chaos.rig import Rig

KILL, STOP, GO = signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT


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


def freeze_backend(rig: Rig, dice: Random) -> None:
    """One session of the server stands still in whatever it is doing, its locks held."""
    rig.postgres.freeze_one(dice.randrange(99))


def provider(mode: str) -> Callable[[Rig, Random], None]:
    def harm(rig: Rig, dice: Random) -> None:
        rig.provider.mode = mode

    return harm


def no_provider(rig: Rig, dice: Random) -> None:
    """Nobody listens: every connection is refused."""
    rig.provider.cut_off()


def provider_in_a_hole(rig: Rig, dice: Random) -> None:
    """Whoever wants to connect hears nothing at all."""
    rig.provider.cut_off_silently()


def two_beats(rig: Rig, dice: Random) -> None:
    rig.extra_beat()


def stop_beat(rig: Rig, dice: Random) -> None:
    """No beat for an hour of business time."""
    rig.supervisor.hold(rig.beat)
    clock.advance_to(clock.now() + timedelta(hours=1))


def jump_clock(rig: Rig, dice: Random) -> None:
    """To the next morning, or some days on: everything due in between is due now."""
    clock.advance_to(morning(clock.now() + timedelta(days=dice.randrange(3))))


def step_clock(rig: Rig, dice: Random) -> None:
    """A second, an hour or a day: deadlines, leases and sessions are on its other side."""
    clock.advance_to(clock.now() + timedelta(seconds=dice.choice((1, 3600, 86400))))


def midnight(rig: Rig, dice: Random) -> None:
    """The business date changes under the load."""
    clock.advance_to(_last_seconds_of(clock.today()))


def new_year(rig: Rig, dice: Random) -> None:
    """From 31 December into a year whose working days may be provisional."""
    clock.advance_to(_last_seconds_of(date(clock.today().year, 12, 31)))


def _last_seconds_of(day: date) -> datetime:
    end = instant_at(day, time_of_day(23, 59, 57))
    return max(end, clock.now() + timedelta(seconds=1))


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
    rig.provider.come_back()


def _one_beat(rig: Rig) -> None:
    rig.supervisor.hold(rig.supervisor.children["beat2"])
    del rig.supervisor.children["beat2"]


SERVER_FAULTS = (
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
    Fault("database session frozen", freeze_backend, lambda rig: rig.postgres.thaw(), 6),
    Fault("provider refuses connections", no_provider, _well, 4),
    Fault("provider swallows connections", provider_in_a_hole, _well, 8),
    Fault("provider hangs", provider("hang"), _well, 10),
    Fault("provider answers 500", provider("error"), _well, 4),
    Fault("provider's answer lost", provider("lost"), _well, 4),
    Fault("provider takes twice", provider("twice"), _well, 4),
    Fault("provider never answers", provider("never"), _well, 4),
    Fault("two beats", two_beats, _one_beat, 8),
    Fault("beat off for an hour", stop_beat, lambda rig: rig.beat.start()),
    Fault("clock jumps", jump_clock),
    Fault("clock steps", step_clock),
    Fault("midnight", midnight, lasts=5),
    Fault("new year", new_year, lasts=5),
    Fault("worker off for a day", worker_day_off, lambda rig: rig.worker.start()),
    *FILE_FAULTS,
    *CRASHES,
)
