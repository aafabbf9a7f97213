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
        source_path, result_path = Path(folder, "in"), Path(folder, "out")
        with source_path.open("wb") as target:
            shutil.copyfileobj(source, target)
        command = [
            sys.executable,
            "-m",
            "relief.evidence.filecheck",
            kind,
            str(source_path),
            str(result_path),
            *extra,
        ]
        try:
            process = subprocess.run(
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
        return _answer(process, result_path)


def _answer(process: subprocess.CompletedProcess[bytes], result_path: Path) -> Checked:
    try:
        report = json.loads(process.stdout)
    except ValueError:
        logger.warning("filecheck.died", extra={"status": process.returncode})
        return Checked(ok=False, code="too_heavy" if process.returncode < 0 else "unreadable")
    if not report.get("ok") or not result_path.exists():
        return Checked(ok=False, code=str(report.get("code") or "unreadable"))
    return Checked(
        ok=True,
        content_type=str(report["content_type"]),
        pages=int(report["pages"]),
        copy=result_path.read_bytes(),
    )


def _environment() -> dict[str, str]:
    """Nothing of ours reaches the child: no key, no database address."""
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return {**inherited, "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
