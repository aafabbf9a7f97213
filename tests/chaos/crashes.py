"""Crashes at exact points: armed for one process kind, steered to, and proven to have been reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from random import Random

from portal.core import clock
from portal.core.errors import NotYourTurn
from portal.core.notifications import hours
from portal.core.nudge import nudge
from portal.site.crash_points import HIT
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.offers import negotiate
from tests import factories
from tests.chaos import people
from tests.chaos.fault import Fault
from tests.chaos.rig import BaseRig

AROUND = ("before_lock", "after_lock", "before_commit", "after_commit")
FILES = ("mid_write", "before_rename", "after_rename")
OUTBOX = ("after_claim", "after_call", "before_record")
TRIES = 5
REACH_SECONDS = 40.0  # a sweep comes at least every 15


def _case_at(state: State) -> Case:
    """A case of our own there; where a driver was faster on the way, it keeps that one."""
    for _ in range(TRIES):
        try:
            return factories.case_at(state, loan=people.lend(people.a_borrower()), now=clock.now())
        except NotYourTurn:
            continue
    raise TimeoutError(f"no case at {state} in {TRIES} tries: drivers took them all")


def _an_offer_to_accept() -> None:
    """Sent, opened, and open for longer than reading takes."""
    case = _case_at(State.OFFERED)
    number = factories.open_offer(case).number
    negotiate.open_offer(case=case, number=number, actor=case.borrower, now=clock.now())
    clock.advance_to(clock.now() + timedelta(seconds=15))


def _a_message_to_send() -> None:
    if not hours.may_disturb(clock.now() + timedelta(minutes=5)):
        clock.advance_to(people.morning(clock.now()))
    _case_at(State.OFFERED)


def _a_missed_deadline() -> None:
    """A case that nobody has looked at for days; the sweep need not wait for beat."""
    _case_at(State.SUBMITTED)
    clock.advance_to(people.morning(clock.now() + timedelta(days=5)))
    nudge("relief.tasks.sweep_deadlines")


def _nothing() -> None:
    """Everybody can pay at any time."""


# process kind, point, what people want to do, what must be there for it
POINTS: tuple[tuple[str, str, tuple[str, Callable[[], None]]], ...] = (
    *(("web", f"pay.{place}", ("pay", _nothing)) for place in AROUND),
    *(("web", f"accept.{place}", ("accept", _an_offer_to_accept)) for place in AROUND),
    *(("web", f"submit.{place}", ("apply", people.loans_to_apply_for)) for place in AROUND),
    *(("web", f"upload.{place}", ("apply", people.loans_to_apply_for)) for place in AROUND),
    *(("web", f"file.{place}", ("apply", people.loans_to_apply_for)) for place in FILES),
    *(("worker", f"file.{place}", ("apply", people.loans_to_apply_for)) for place in FILES),
    *(("worker", f"sweep.{place}", ("", _a_missed_deadline)) for place in AROUND),
    *(("worker", f"outbox.{place}", ("", _a_message_to_send)) for place in OUTBOX),
)


def _arm(armed: str, prepare: Callable[[], None], rig: BaseRig, dice: Random) -> None:
    """Armed first: what is prepared may be taken up at once."""
    (rig.crash_points / armed).touch()
    prepare()


def _disarm(armed: str, rig: BaseRig) -> None:
    for name in (armed, armed + HIT):
        (rig.crash_points / name).unlink(missing_ok=True)


def _was_hit(armed: str, rig: BaseRig) -> bool:
    return (rig.crash_points / (armed + HIT)).exists()


def _crashes() -> Iterator[Fault]:
    for kind, point, (wish, prepare) in POINTS:
        armed = f"{kind}.{point}"
        yield Fault(
            f"{kind} dies at {point}",
            partial(_arm, armed, prepare),
            partial(_disarm, armed),
            lasts=REACH_SECONDS,
            reached=partial(_was_hit, armed),
            wish=wish,
        )


CRASHES = tuple(_crashes())
