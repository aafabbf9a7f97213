"""What a fault is, whatever it does harm to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(frozen=True)
class Fault:
    """`harm` is done at once; after `lasts` seconds `undo` says what a rescuer would do.

    With `reached` the harm comes later, when somebody walks into it: then `lasts` is how long to
    wait for that at most. The same with `told`: a sentence that somebody must read meanwhile.
    `wish` is what people want to do meanwhile, several acts by blanks. `spares_pages`: the harm
    reaches files only, so no page may break; who asks for a file that cannot be had reads so.
    """

    name: str
    harm: Callable[[Any, Random], None]
    undo: Callable[[Any], None] = lambda rig: None
    lasts: float = 3
    needs_disk: bool = False
    reached: Callable[[Any], bool] | None = None
    wish: str = ""
    told: str = ""
    spares_pages: bool = False
