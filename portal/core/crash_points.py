"""Named places where the fault rig may kill a process, so that a crash is exact and not lucky.

A point costs one test of a constant unless CRASH_POINTS names a folder, which settings refuse
outside the demo. There a file `<kind>.<point>` arms one point for the processes of one kind: the
first that comes by takes the file away and dies by SIGKILL; all later ones pass.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from django.conf import settings

HIT = ".hit"  # what the file's name ends with once a process has died of it
KIND = "worker" if "celery" in sys.argv[0] else "web"  # a pool's child keeps its parent's argv
_folder: Path | None = settings.CRASH_POINTS


def crash_point(name: str) -> None:
    """Die here if this very point is armed; example: crash_point("pay.before_commit")."""
    if _folder is not None:
        _die_if_armed(_folder / f"{KIND}.{name}")


def _die_if_armed(armed: Path) -> None:
    """Renaming is what only one process can do."""
    try:
        armed.rename(armed.with_name(armed.name + HIT))
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
