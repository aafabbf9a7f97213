"""Rule zero: nothing is destroyed that the rig has not started itself; otherwise exit 9."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn


def refuse(what: str) -> NoReturn:
    """End the rig, in order, before anything foreign is touched."""
    sys.stderr.write(f"chaos: {what} is not mine; stopped before touching it\n")
    raise SystemExit(9)


def parent_of(pid: int) -> int:
    """The parent's id, 0 when the process is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def children_of(pid: int) -> list[int]:
    """Direct children, oldest first."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in text.split()]


def is_mine(pid: int, table: set[int]) -> bool:
    """`pid` is one of the rig's own processes or descends from one; False when it is gone."""
    ancestor = pid
    while ancestor > 1:
        if ancestor in table:
            return True
        ancestor = parent_of(ancestor)
    if ancestor == 0 and parent_of(pid) == 0:
        return False
    refuse(f"process {pid}")


def assert_inside(path: Path, folder: Path) -> None:
    """`path` lies in the rig's own folder."""
    if not path.resolve().is_relative_to(folder.resolve()):
        refuse(f"path {path}")
