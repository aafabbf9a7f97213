"""Named places at which the fault rig kills a process, so that a crash happens at a chosen line.

Only where CRASH_POINTS names a folder, which settings refuse outside the demo: then the start of
web and worker calls `install`, which wraps the functions named here, and nothing else knows of it.
A file `<kind>.<point>` in the folder arms one point for the processes of one kind: the first that
comes by takes the file away and dies by SIGKILL; all later ones pass.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from importlib import import_module
from inspect import isgeneratorfunction
from pathlib import Path
from typing import Any

from django.conf import settings

from portal.core.notifications.channels.base import SendResult

HIT = ".hit"  # what the file's name ends with once a process has died of it
KIND = "worker" if "celery" in sys.argv[0] else "web"  # a pool's child keeps its parent's argv
OURS = ("portal", "loans", "relief")
Hit = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Before:
    """Just before a function, named as module:function, is called."""

    function: str


@dataclass(frozen=True, slots=True)
class After:
    """Just after a function has returned (the outermost call of a recursion), if `given` holds of its result."""

    function: str
    given: Callable[[Any], bool] = lambda result: True


@dataclass(frozen=True, slots=True)
class Between:
    """Between two items of a generator."""

    function: str


CrashPlace = Before | After | Between

# Anywhere in a process.
PLACES: dict[str, CrashPlace] = {
    "file.mid_write": Between("portal.core.storage:_pieces"),
    "file.before_rename": After("portal.core.storage.folder:_write"),
    "file.after_rename": After("portal.core.storage.folder:_flush_folder"),
    "outbox.after_claim": Before("portal.core.notifications.dispatch:_deliver_batch"),
    "outbox.after_call": After(
        "portal.core.notifications.dispatch:_try", lambda outcome: isinstance(outcome, SendResult)
    ),
    "outbox.before_record": Before("portal.core.notifications.dispatch:_record"),
}

# Inside one call of a service that is one transaction: each once and in this order, so that
# "before commit" is not reached by a call that found nothing to do.
SERVICES: dict[str, dict[str, CrashPlace]] = {
    "loans.services.payments.payment:_pay": {
        "pay.before_lock": Before("loans.services.booking:open_books"),
        "pay.after_lock": After("loans.queries.position:load_position"),
        "pay.before_commit": After("loans.services.payments.payment:_finish"),
        "pay.after_commit": After("loans.services.payments.payment:_pay"),
    },
    "relief.offers.accept:accept_offer": {
        "accept.before_lock": After("relief.cases.gate:check"),
        "accept.after_lock": After("relief.cases.moves:locked"),
        "accept.before_commit": After("relief.offers.agreement:conclude"),
        "accept.after_commit": After("relief.offers.accept:accept_offer"),
    },
    "relief.cases.application:submit_case": {
        "submit.before_lock": After("relief.cases.gate:check"),
        "submit.after_lock": After("relief.cases.moves:locked"),
        "submit.before_commit": After("relief.cases.moves:move"),
        "submit.after_commit": After("relief.cases.application:submit_case"),
    },
    "relief.evidence.files:add_evidence": {
        "upload.before_lock": After("relief.evidence.files:_stored"),
        "upload.after_lock": After("relief.cases.moves:locked"),
        "upload.before_commit": After("relief.evidence.files:_notify_added"),
        "upload.after_commit": Before("portal.core.nudge:nudge"),
    },
    "relief.cases.timing.sweep:_handle": {
        "sweep.before_lock": Before("relief.cases.timing.sweep:_locked"),
        "sweep.after_lock": After("relief.cases.timing.sweep:_locked"),
        "sweep.before_commit": After("relief.cases.timing.sweep:_handle_together"),
        "sweep.after_commit": After("relief.cases.timing.sweep:_handle"),
    },
}


@dataclass(slots=True)
class Call:
    """One call of a service: the points still to be passed, and the depth of each function's recursion."""

    ahead: list[str]
    depth: Counter[str] = field(default_factory=Counter)


_call: ContextVar[Call | None] = ContextVar("call", default=None)


def point_names() -> set[str]:
    """Every point that can be armed."""
    return {*PLACES, *(name for points in SERVICES.values() for name in points)}


def install(hit: Hit | None = None) -> Callable[[], None]:
    """Wrap the functions, also where they were imported by name; returns what undoes it.

    `hit` is called with the name of each point passed, instead of dying at those armed in the folder.
    """
    tell_point = hit or _die_if_armed
    wrapped: list[tuple[Any, Any]] = []
    places = {**PLACES, **{n: p for points in SERVICES.values() for n, p in points.items()}}
    for target in dict.fromkeys([*SERVICES, *(place.function for place in places.values())]):
        places_here = {name: place for name, place in places.items() if place.function == target}
        original = _function(target)
        if isgeneratorfunction(original):
            wrapper = _wrap_generator(original, places_here, tell_point)
        else:
            wrapper = _wrap(original, target, places_here, tell_point)
        if target in SERVICES:
            wrapper = _scope(wrapper, target)
        _replace(original, wrapper)
        wrapped.append((original, wrapper))

    def undo() -> None:
        for original, wrapper in reversed(wrapped):
            _replace(wrapper, original)

    return undo


def _function(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def _replace(old: Any, new: Any) -> None:
    for module_name, module in list(sys.modules.items()):
        if module_name.partition(".")[0] in OURS:
            for name, value in list(vars(module).items()):
                if value is old:
                    setattr(module, name, new)


def _wrap(original: Any, target: str, places_here: dict[str, CrashPlace], hit: Hit) -> Any:
    before = {name: place for name, place in places_here.items() if isinstance(place, Before)}
    after = {name: place for name, place in places_here.items() if isinstance(place, After)}

    @wraps(original)
    def around(*args: Any, **kwargs: Any) -> Any:
        call = _call.get() or Call([])
        for name in before:
            _come_by(name, call, hit)
        call.depth[target] += 1
        try:
            result = original(*args, **kwargs)
        finally:
            call.depth[target] -= 1
        for name, place in after.items():
            if not call.depth[target] and place.given(result):
                _come_by(name, call, hit)
        return result

    return around


def _wrap_generator(original: Any, places_here: dict[str, CrashPlace], hit: Hit) -> Any:
    @wraps(original)
    def between(*args: Any, **kwargs: Any) -> Iterator[Any]:
        for item in original(*args, **kwargs):
            yield item
            for name in places_here:
                hit(name)

    return between


def _scope(wrapper: Any, service: str) -> Any:
    @wraps(wrapper)
    def scoped(*args: Any, **kwargs: Any) -> Any:
        before = _call.set(Call(list(SERVICES[service])))
        try:
            return wrapper(*args, **kwargs)
        finally:
            _call.reset(before)

    return scoped


def _come_by(name: str, call: Call, hit: Hit) -> None:
    if name in PLACES:
        hit(name)
    elif call.ahead[:1] == [name]:
        call.ahead.pop(0)
        hit(name)


def _die_if_armed(name: str) -> None:
    """Rename the file that arms the point (only one process succeeds), then die by SIGKILL."""
    folder: Path = settings.CRASH_POINTS  # type: ignore[assignment] # set, or nobody would come by
    armed = folder / f"{KIND}.{name}"
    try:
        armed.rename(armed.with_name(armed.name + HIT))
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
