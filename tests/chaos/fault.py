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
    wait for that at most. `wish` is what the borrowers want to do meanwhile.
    """

    name: str
    harm: Callable[[Any, Random], None]
    undo: Callable[[Any], None] = lambda rig: None
    lasts: float = 3
    needs_disk: bool = False
    reached: Callable[[Any], bool] | None = None
    wish: str = ""
