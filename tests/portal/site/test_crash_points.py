"""A crash point kills exactly one process, once, and only where it was armed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import override_settings

from portal.core.notifications import dispatch
from portal.site import crash_points
from relief.cases.timing import sweep
from relief.cases.workflow import State
from tests import factories

ROOT = Path(__file__).resolve().parents[3]
PASS_BY = """
import sys
sys.argv[0] = {program!r}
import django
django.setup()
from portal.core.storage import private
private.save(b"a paper")
print("alive")
"""


def pass_by(folder: Path | None, program: str = "gunicorn") -> int:
    """Exit code of a process that comes by one point."""
    environment = {
        **{
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "portal.site.settings",
            "DEMO": "1",
            "PRIVATE_ROOT": tempfile.mkdtemp(prefix="kuanxi-crash-"),
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
    armed = tmp_path / "web.file.before_rename"
    armed.touch()

    assert pass_by(tmp_path) == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == ["web.file.before_rename.hit"]
    assert pass_by(tmp_path) == 0


@pytest.mark.parametrize("armed", ["", "web.pay.after_commit", "worker.file.before_rename"])
def test_nobody_dies_of_another_point_or_for_another_kind(tmp_path: Path, armed: str) -> None:
    if armed:
        (tmp_path / armed).touch()

    assert pass_by(tmp_path) == 0


def test_the_workers_point_kills_a_worker(tmp_path: Path) -> None:
    (tmp_path / "worker.file.before_rename").touch()

    assert pass_by(tmp_path, "/x/celery/__main__.py") == -signal.SIGKILL


def test_without_a_folder_nothing_is_looked_for() -> None:
    assert pass_by(None) == 0


def test_the_rig_arms_each_point_that_there_is() -> None:
    from tests.chaos.crashes import POINTS

    assert {point for _, point, _ in POINTS} == crash_points.point_names()


@pytest.fixture
def passed() -> Iterator[list[str]]:
    """The points that this process comes by, in order."""
    points: list[str] = []
    undo = crash_points.install(points.append)
    yield points
    undo()


def around(service: str) -> list[str]:
    return [
        f"{service}.{place}"
        for place in ("before_lock", "after_lock", "before_commit", "after_commit")
    ]


@pytest.mark.django_db
def test_paying_comes_by_its_points_and_paying_twice_commits_nothing(passed: list[str]) -> None:
    loan = factories.overdue_loan()

    for _ in range(2):
        factories.pay_amount(loan, Decimal("100.00"), date(2026, 2, 3), reference="one")

    assert passed == [*around("pay"), *around("pay")[:2]]


@pytest.mark.django_db
def test_a_file_comes_by_its_points_before_its_row(passed: list[str]) -> None:
    factories.draft_case()

    file = ["file.mid_write", "file.before_rename", "file.after_rename"]
    assert passed == [*file, *around("upload")]


@pytest.mark.django_db
def test_handing_in_and_accepting_come_by_their_points(passed: list[str]) -> None:
    case = factories.draft_case()
    passed.clear()

    for step in factories.PATHS[State.PLAN_ACTIVE]:
        step(case, factories.NOW)
        case.refresh_from_db()

    own = [name for name in passed if not name.startswith("file.")]
    assert own == [*around("submit"), *around("accept")]


@pytest.mark.django_db
def test_a_sweep_comes_by_its_points(passed: list[str]) -> None:
    factories.case_at(State.SUBMITTED)
    passed.clear()

    assert sweep.sweep(now=factories.NOW + timedelta(days=30)) > 0
    assert passed[:2] == around("sweep")[:2]
    assert passed[-2:] == around("sweep")[2:]


@pytest.mark.django_db
def test_a_message_comes_by_its_points(passed: list[str]) -> None:
    factories.case_at(State.SUBMITTED)
    passed.clear()

    with override_settings(SMS_BACKEND="demo"):
        dispatch.deliver_due(factories.NOW + timedelta(days=1))

    assert passed[:2] == ["outbox.after_claim", "outbox.after_call"]
    assert passed[-1] == "outbox.before_record"


@pytest.mark.django_db
def test_what_was_wrapped_is_unwrapped(passed: list[str]) -> None:
    undo = crash_points.install(passed.append)
    undo()
    passed.clear()

    factories.pay_amount(factories.overdue_loan(), Decimal("100.00"), date(2026, 2, 3))

    assert passed == around("pay")
