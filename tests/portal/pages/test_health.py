"""/healthz, /readyz and /metrics: whole numbers, nobody's data, and the truth about trouble."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from portal import clock, probes
from portal.models import Delivery, Heartbeat, WorkDay
from portal.pages import health
from relief.domain.workflow import State
from relief.models import Deadline
from tests.factories import NOW, case_at

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broker and beat are alive."""
    monkeypatch.setattr(health, "broker_answers", lambda: True)
    Heartbeat.objects.update_or_create(name="beat", defaults={"at": clock.real_now()})


def ask(client: Client) -> tuple[int, dict[str, Any]]:
    with clock.frozen(NOW):
        answer = client.get("/readyz")
    return answer.status_code, answer.json()


def test_healthz_needs_nothing(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_ready_shows_every_figure(client: Client, well: None) -> None:
    status, report = ask(client)

    assert status == 200
    assert report == {
        "status": "ready",
        "database": True,
        "broker": True,
        "beat_age_seconds": report["beat_age_seconds"],
        "oldest_due_notice_seconds": 0,
        "calendar_days_ahead": 669,  # 2026-03-02 to 2027-12-31
        "calendar_official_days_ahead": 304,  # to 2026-12-31
        "overdue_sweeps": 0,
    }
    assert report["beat_age_seconds"] <= 1


def test_overdue_deadlines_are_counted(client: Client, well: None) -> None:
    case = case_at(State.SUBMITTED)
    Deadline.objects.filter(case=case).update(due_at=NOW - timedelta(minutes=3))

    status, report = ask(client)

    assert (status, report["overdue_sweeps"]) == (200, 2)


def test_a_missing_calendar_is_told_not_fatal(client: Client, well: None) -> None:
    WorkDay.objects.all().delete()

    status, report = ask(client)

    assert (status, report["calendar_days_ahead"]) == (200, -1)


@pytest.mark.parametrize("age", [None, 61])
def test_without_beat_it_is_not_ready(client: Client, well: None, age: int | None) -> None:
    if age is None:
        Heartbeat.objects.all().delete()
    else:
        Heartbeat.objects.update(at=clock.real_now() - timedelta(seconds=age))

    assert ask(client)[0] == 503


def test_unsent_notices_and_a_dead_broker_are_not_ready(
    client: Client, well: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Delivery.objects.create(
        channel="sms",
        event="x",
        key="x",
        to="13800000001",
        text="x",
        created_at=NOW,
        next_attempt_at=NOW - timedelta(seconds=301),
    )
    status, report = ask(client)
    assert (status, report["oldest_due_notice_seconds"]) == (503, 301)

    row.delete()
    monkeypatch.setattr(health, "broker_answers", lambda: False)
    assert ask(client)[0] == 503


def test_an_app_adds_a_figure_with_a_limit(
    client: Client, well: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "_probes", dict(probes._probes))
    probes.add_probe("stuck", lambda now: 3, limit=2)

    status, report = ask(client)

    assert (status, report["stuck"]) == (503, 3)


def test_metrics_are_not_there_unless_asked_for(client: Client) -> None:
    assert client.get("/metrics").status_code == 404


METRICS_CHECK = """
import django, json
django.setup()
from django.core.management import call_command
call_command("migrate", interactive=False, verbosity=0)
from django.test import Client
client, token = Client(), "t" * 32
client.get("/healthz")
seen = [client.get("/metrics", headers=h) for h in
        ({}, {"Authorization": "Bearer no"}, {"Authorization": f"Bearer {token}"})]
print(json.dumps([[a.status_code for a in seen], seen[2].content.decode()]))
"""


def test_metrics_for_whoever_shows_the_token(tmp_path: Path) -> None:
    """In a process of its own: the extra changes settings and counts from the start."""
    environment = {
        **{k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "PYTHONPATH"}},
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DEMO": "1",
        "VAR_DIR": str(tmp_path),
        "METRICS": "1",
        "METRICS_TOKEN": "t" * 32,
        "ALLOWED_HOSTS": "testserver",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", METRICS_CHECK],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    statuses, text = json.loads(done.stdout.splitlines()[-1])

    assert statuses == [401, 401, 200]
    assert "kuanxi_database_up 1" in text
    assert "kuanxi_overdue_sweeps 0" in text
    assert "kuanxi_calendar_days_ahead" in text
    assert 'django_http_responses_total_by_status_total{status="200"}' in text
