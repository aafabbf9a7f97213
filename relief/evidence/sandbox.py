"""Runs the file check in its limited child process, and reads its one line of answer."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

logger = logging.getLogger(__name__)
WALL_SECONDS = 12  # the child's own limit is 10 seconds of processor time


@dataclass(frozen=True)
class Checked:
    """What the child found: a harmless copy with its type, or the code of the refusal."""

    ok: bool
    code: str = ""
    content_type: str = ""
    pages: int = 0
    copy: bytes = b""


def run_check(kind: str, source: BinaryIO, *extra: str) -> Checked:
    """Check a file as `image`, `heic`, `pdf`, or render a `page`; never raises for a bad file.

    A child that is killed, too slow or too hungry means "too_heavy"; no answer, "unreadable".
    """
    with tempfile.TemporaryDirectory(prefix="kuanxi-check-") as folder:
        given, made = Path(folder, "in"), Path(folder, "out")
        with given.open("wb") as target:
            shutil.copyfileobj(source, target)
        command = [
            sys.executable,
            "-m",
            "relief.evidence.filecheck",
            kind,
            str(given),
            str(made),
            *extra,
        ]
        try:
            done = subprocess.run(
                command,
                cwd=settings.BASE_DIR,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=WALL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Checked(ok=False, code="too_heavy")
        return _answer(done, made)


def _answer(done: subprocess.CompletedProcess[bytes], made: Path) -> Checked:
    try:
        found = json.loads(done.stdout)
    except ValueError:
        logger.warning("filecheck.died", extra={"status": done.returncode})
        return Checked(ok=False, code="too_heavy" if done.returncode < 0 else "unreadable")
    if not found.get("ok") or not made.exists():
        return Checked(ok=False, code=str(found.get("code") or "unreadable"))
    return Checked(
        ok=True,
        content_type=str(found["content_type"]),
        pages=int(found["pages"]),
        copy=made.read_bytes(),
    )


def _environment() -> dict[str, str]:
    """Nothing of ours reaches the child: no key, no database address."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return {**kept, "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
