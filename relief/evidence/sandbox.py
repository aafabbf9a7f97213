"""Runs the file check in its limited child process, and reads its one line of answer."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings

from relief.evidence.kinds import FileType

logger = logging.getLogger(__name__)
WALL_SECONDS = 80  # the child's own limit is 40 seconds of processor time, most often far less


@dataclass(frozen=True)
class Checked:
    """What the child found: a harmless copy and the pages drawn of it, or the code of the refusal.

    The files lie in the child's folder, which goes with the end of `check`.
    """

    ok: bool
    code: str = ""
    content_type: str = ""
    page_sizes: tuple[tuple[int, int], ...] = ()
    dropped: tuple[str, ...] = ()
    signatures: tuple[dict[str, str], ...] = ()
    folder: Path = field(default_factory=Path)

    @property
    def copy(self) -> Path:
        """The harmless copy, of `content_type`: of a picture that is one page, that page."""
        return self.page(1) if self.content_type == FileType.JPEG else self.folder / "copy"

    @property
    def text(self) -> Path:
        """The text layer (see relief.evidence.pages.text_layer), absent when there is none."""
        return self.folder / "text.json"

    def page(self, number: int) -> Path:
        """The picture of a page, a JPEG; numbers start at 1."""
        return self.folder / f"page-{number}.jpg"


@contextmanager
def check(kind: str, source: BinaryIO) -> Iterator[Checked]:
    """Check a file as `image`, `heic` or `pdf` and draw its pages; never raises for a bad file.

    A child that is killed or too hungry means "too_heavy"; no answer, "unreadable". TimeoutError when the
    machine had no time for the child: the file is not to blame, and is checked again later.
    """
    with tempfile.TemporaryDirectory(prefix="kuanxi-check-") as name:
        folder = Path(name)
        with (folder / "in").open("wb") as target:
            shutil.copyfileobj(source, target)
        if settings.SIGNATURE_ROOTS:
            shutil.copyfile(settings.SIGNATURE_ROOTS, folder / "roots.pem")
        yield _run(kind, folder)


@cache
def in_force() -> str:
    """What the child is cut off from on this machine, for /readyz: "network,files", or less."""
    with tempfile.TemporaryDirectory(prefix="kuanxi-check-") as name:
        try:
            answer = json.loads(_child("nothing", Path(name)).stdout)
        except (subprocess.TimeoutExpired, ValueError):
            return "nothing"
    return ",".join(map(str, answer["in_force"])) or "nothing"


def _child(kind: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "relief.evidence.filecheck", kind, str(folder)],
        cwd=settings.BASE_DIR,
        env={**_environment(), "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=WALL_SECONDS,
        check=False,
    )


def _run(kind: str, folder: Path) -> Checked:
    try:
        process = _child(kind, folder)
    except subprocess.TimeoutExpired as starved:  # a file too heavy ends by the child's own limit
        raise TimeoutError(f"check not done after {WALL_SECONDS} s") from starved
    try:
        report = json.loads(process.stdout)
    except ValueError:
        logger.warning("filecheck.died", extra={"status": process.returncode})
        return Checked(ok=False, code="too_heavy" if process.returncode < 0 else "unreadable")
    return _answer(report, folder)


def _answer(report: dict[str, Any], folder: Path) -> Checked:
    """The child's report, believed only as far as its files are there."""
    if not report.get("ok"):
        return Checked(ok=False, code=str(report.get("code") or "unreadable"))
    result = Checked(
        ok=True,
        content_type=str(report["content_type"]),
        page_sizes=tuple((int(width), int(height)) for width, height in report["pages"]),
        dropped=tuple(map(str, report["dropped"])),
        signatures=tuple(report["signatures"]),
        folder=folder,
    )
    numbers = range(1, len(result.page_sizes) + 1)
    if numbers and result.copy.exists() and all(result.page(number).exists() for number in numbers):
        return result
    return Checked(ok=False, code="unreadable")


def _environment() -> dict[str, str]:
    """Nothing of ours reaches the child: no key, no database address."""
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    return {**inherited, "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
