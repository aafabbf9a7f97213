"""What a failing step leaves for a look: everything that was logged since it began."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any


class Evidence:
    """Remembers where the logs stood when a step began, and keeps what came after."""

    def __init__(self, rig: Any) -> None:
        self.rig = rig
        self.folder = Path(tempfile.gettempdir()) / f"{rig.folder.name}-evidence"
        self.marks: dict[Path, int] = {}

    def mark(self) -> None:
        """A step begins."""
        self.marks = {log: log.stat().st_size for log in self.rig.logs() if log.exists()}

    def keep(self, step: int, name: str, found: list[str]) -> Path:
        """Write the problems and the logs since the mark into a folder of this step's own."""
        folder = self.folder / f"step-{step:03d}-{re.sub('[^a-z0-9]+', '-', name)}"
        folder.mkdir(parents=True)
        (folder / "problems.txt").write_text("\n".join(found) + "\n")
        for log in self.rig.logs():
            if log.exists():
                kept = log.name if log.suffix else f"{log.parent.name}.log"
                (folder / kept).write_bytes(log.read_bytes()[self.marks.get(log, 0) :])
        return folder
