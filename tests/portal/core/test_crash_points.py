"""A crash point kills exactly one process, once, and only where it was armed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PASS_BY = """
import sys
sys.argv[0] = {program!r}
import django
django.setup()
from portal.core.crash_points import crash_point
crash_point("pay.before_commit")
print("alive")
"""


def pass_by(folder: Path | None, program: str = "gunicorn") -> int:
    """Exit code of a process that comes by one point."""
    environment = {
        **{
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "portal.site.settings",
            "DEMO": "1",
        },
        **({"CRASH_POINTS": str(folder)} if folder else {}),
    }
    code = PASS_BY.format(program=program)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert (done.stdout == b"alive\n") == (done.returncode == 0)
    return done.returncode


def test_the_first_process_dies_and_the_next_ones_pass(tmp_path: Path) -> None:
    armed = tmp_path / "web.pay.before_commit"
    armed.touch()

    assert pass_by(tmp_path) == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == ["web.pay.before_commit.hit"]
    assert pass_by(tmp_path) == 0


@pytest.mark.parametrize("armed", ["", "web.pay.after_commit", "worker.pay.before_commit"])
def test_nobody_dies_of_another_point_or_for_another_kind(tmp_path: Path, armed: str) -> None:
    if armed:
        (tmp_path / armed).touch()

    assert pass_by(tmp_path) == 0


def test_the_workers_point_kills_a_worker(tmp_path: Path) -> None:
    (tmp_path / "worker.pay.before_commit").touch()

    assert pass_by(tmp_path, "/x/celery/__main__.py") == -signal.SIGKILL


def test_without_a_folder_nothing_is_looked_for() -> None:
    assert pass_by(None) == 0


def test_the_rig_arms_only_points_that_are_in_the_code() -> None:
    from tests.chaos.crashes import POINTS

    sources = (path for name in ("portal", "loans", "relief") for path in (ROOT / name).rglob("*.py"))  # fmt: skip
    named = {
        name
        for path in sources
        if path.name != "crash_points.py"
        for name in re.findall(r'crash_point\("([\w.]+)"\)', path.read_text())
    }

    assert {point for _, point, _ in POINTS} == named
