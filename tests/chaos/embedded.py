"""What can happen to `make demo`: the death of any of its children, of the runner, of all at once."""

from __future__ import annotations

from random import Random

from tests.chaos.crashes import CRASHES
from tests.chaos.demo import EmbeddedRig, below
from tests.chaos.fault import Fault
from tests.chaos.faults import jump_clock
from tests.chaos.ownership import children_of


def _kill(name: str) -> Fault:
    def harm(rig: EmbeddedRig, dice: Random) -> None:
        rig.kill(rig.find(name))

    return Fault(f"demo: {name} killed", harm)


def _kill_below(name: str) -> Fault:
    def harm(rig: EmbeddedRig, dice: Random) -> None:
        if children := children_of(rig.find(name)):
            rig.kill(dice.choice(children))

    return Fault(f"demo: child of {name} killed", harm)


def kill_runner(rig: EmbeddedRig, dice: Random) -> None:
    rig.kill(rig.demo.pid)


def kill_all(rig: EmbeddedRig, dice: Random) -> None:
    """As when the machine loses power."""
    rig.kill(rig.demo.pid, *below(rig.demo.pid))


EMBEDDED_FAULTS = (
    _kill("web"),
    _kill_below("web"),
    _kill("worker"),
    _kill_below("worker"),
    _kill("checker"),
    _kill_below("checker"),
    _kill("beat"),
    _kill("redis"),
    Fault("demo: runner killed", kill_runner),
    Fault("demo: everything killed", kill_all),
    Fault("redis flushed", lambda rig, dice: rig.flush_redis()),
    Fault("clock jumps", jump_clock),
    *CRASHES,
)
