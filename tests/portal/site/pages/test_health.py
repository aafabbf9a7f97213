"""/healthz, /readyz and /metrics: whole numbers, nobody's data, and the truth about trouble."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import redis
from django.test import Client
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from portal.core import clock, probes
from portal.core.models import Delivery, Heartbeat, PhoneTask, WorkDay
from portal.core.storage.folder import Folder
from portal.core.storage.store import StoreDown
from portal.site.pages import gauges, health
from portal.site.private_redis import command
from relief.cases.models import Deadline
from relief.cases.workflow import State
from relief.evidence import sandbox
from tests.factories import NOW, case_at

pytestmark = pytest.mark.django_db
PATIENT = Retry(ConstantBackoff(0.1), 200)  # while the server starts
ROOT = Path(__file__).resolve().parents[4]


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
        "file_check_without": sandbox.in_force(),
        "virus_scan": "off",
        "file_store_silent": 0,
        "virus_scanner_silent": 0,
        "oldest_unchecked_file_seconds": 0,
        "overdue_sweeps": 0,
        "oldest_overdue_sweep_seconds": 0,
    }
    assert report["beat_age_seconds"] <= 1


@pytest.mark.parametrize(("waited", "ready"), [(180, 200), (600, 200), (601, 503)])
def test_overdue_deadlines_are_counted_and_not_for_long(
    client: Client, well: None, waited: int, ready: int
) -> None:
    case = case_at(State.SUBMITTED)
    Deadline.objects.filter(case=case).update(due_at=NOW - timedelta(seconds=waited))

    status, report = ask(client)

    assert (status, report["overdue_sweeps"]) == (ready, 2)
    assert report["oldest_overdue_sweep_seconds"] == waited


def test_a_missing_calendar_is_told_not_fatal(client: Client, well: None) -> None:
    WorkDay.objects.all().delete()

    status, report = ask(client)

    assert (status, report["calendar_days_ahead"]) == (200, -1)


def test_a_silent_place_of_files_and_a_silent_scanner_are_not_ready(
    client: Client, well: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CLAMD = "unix:///nowhere/clamd.ctl"
    status, report = ask(client)
    assert (status, report["virus_scan"], report["virus_scanner_silent"]) == (503, "on", 1)

    settings.CLAMD = ""
    assert ask(client)[0] == 200
    monkeypatch.setattr(Folder, "exists", Mock(side_effect=StoreDown("no answer")))
    status, report = ask(client)
    assert (status, report["file_store_silent"]) == (503, 1)


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


def test_queues_and_outcomes_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Depth and oldest age of what waits, and what became of the rest, by channel."""

    def row(key: str, status: str, **more: Any) -> Delivery:
        values = {"channel": "sms", "event": "x", "to": "13800000001", "text": "x"}
        times = {"created_at": NOW, "next_attempt_at": NOW - timedelta(seconds=40)}
        return Delivery.objects.create(key=key, status=status, **values | times | more)

    row("a", "pending")
    row("b", "pending", next_attempt_at=NOW + timedelta(hours=1))
    row("c", "failed", failure="permanent", finished_at=NOW)
    row("d", "delivered", channel="phone", finished_at=NOW)
    call = row("e", "submitted", channel="phone", submitted_at=NOW)
    PhoneTask.objects.create(delivery=call, script="x", created_at=NOW - timedelta(seconds=90))
    monkeypatch.setattr(gauges, "queue_depths", lambda: {"notices": 7})

    text = gauges.lines(NOW)

    for line in (
        'kuanxi_deliveries{channel="sms",status="pending"} 2',
        'kuanxi_deliveries{channel="sms",status="failed"} 1',
        'kuanxi_deliveries{channel="phone",status="delivered"} 1',
        'kuanxi_deliveries{channel="phone",status="failed"} 0',
        'kuanxi_oldest_due_delivery_seconds{channel="sms"} 40',
        'kuanxi_oldest_due_delivery_seconds{channel="phone"} 0',
        "kuanxi_open_calls 1",
        "kuanxi_oldest_open_call_seconds 90",
        'kuanxi_queue_messages{queue="notices"} 7',
    ):
        assert f"{line}\n" in text
    assert text.count("# TYPE kuanxi_deliveries gauge") == 1
    assert "1380" not in text


@pytest.mark.redis
def test_queue_depths_come_from_the_broker(settings: Any) -> None:
    with tempfile.TemporaryDirectory(prefix="kx-") as folder:  # a socket's path must be short
        socket = Path(folder) / "r"
        server = subprocess.Popen(command(socket, Path(folder)), stdout=subprocess.DEVNULL)
        try:
            settings.REDIS_URL = f"unix://{socket}"
            with redis.Redis.from_url(settings.REDIS_URL, retry=PATIENT) as client:
                client.rpush("deadlines", "a", "b")
            assert gauges.queue_depths() == {
                "default": 0,
                "notices": 0,
                "deadlines": 2,
                "checks": 0,
            }
        finally:
            server.kill()
            server.wait()
        assert gauges.queue_depths() == {}


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
        "DJANGO_SETTINGS_MODULE": "portal.site.settings",
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
    assert 'kuanxi_deliveries{channel="sms",status="pending"} 0' in text
    assert 'django_http_responses_total_by_status_total{status="200"}' in text
