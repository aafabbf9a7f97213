"""Two web servers and a worker that share database, Redis and bucket, and no disk."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import boto3
import pytest

from portal.site.demo.cast import PASSWORD
from tests.chaos.http import Person
from tests.chaos.processes import ROOT, Child, Supervisor
from tests.chaos.servers import Redis
from tests.corpus.papers import PAPERS
from tests.objectstore import KEY_ID, SECRET, ObjectStore
from tests.stack import administer, free_port, fresh_database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # a whole demo is set up and checked
BORROWER, STAFF = "13800000002", "agent"  # of the demo's cast: with a case that staff have in hand
WAIT_SECONDS = 240
HTMX = {"HX-Request": "true"}
PYTHON = [sys.executable, "-m"]
SET_UP = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("seed_demo", verbosity=0)
call_command("collectstatic", interactive=False, verbosity=0)
"""
PURGE = """
from datetime import timedelta
from portal.core import clock
from relief.evidence.models import Evidence
from relief.evidence.retention import purge_expired_evidence
today = clock.now().date()
Evidence.objects.exclude(withdrawn_at=None).update(purge_on=today - timedelta(days=1))
print("purged", purge_expired_evidence(now=clock.now()))
"""


@dataclass
class Nodes:
    """Addresses of both web servers, and what each machine has of its own."""

    first: str
    second: str
    environments: dict[str, dict[str, str]]
    bucket: ObjectStore

    def folder(self, machine: str) -> Path:
        return Path(self.environments[machine]["VAR_DIR"])

    def manage(self, machine: str, *command: str) -> str:
        line = [sys.executable, "manage.py", *command]
        done = subprocess.run(
            line, cwd=ROOT, env=self.environments[machine], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kept(self) -> set[str]:
        """Every name in the bucket."""
        options = self.bucket.options
        client = boto3.client(
            "s3",
            endpoint_url=options["endpoint"],
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
            region_name=options["region"],
        )
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=options["bucket"])
        return {item["Key"] for page in pages for item in page.get("Contents", ())}


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Each process with a folder of its own for all it writes, temporary files included."""
    bucket, supervisor = ObjectStore("kuanxi-nodes"), Supervisor()
    redis = Redis(tmp_path / "redis", supervisor)
    database, url = fresh_database(tmp_path, on_sqlite=False)
    shared = {k: v for k, v in os.environ.items() if k != "PRIVATE_ROOT"} | {
        **{"DJANGO_SETTINGS_MODULE": "portal.site.settings", "DEMO": "1", "HTTPS": "0"},
        **{"SECRET_KEY": "nodes-only-key-" + "0123456789" * 5, "LOG_LEVEL": "WARNING"},
        **{"DATABASE_URL": url, "REDIS_URL": redis.url, "EVIDENCE_KEYS": "k" * 40},
        **bucket.environment,
    }
    environments, port = {}, 0
    for machine in ("first", "second", "worker"):
        (tmp_path / machine / "tmp").mkdir(parents=True)
        port = free_port(port + 1 if port else 0)
        own = {"VAR_DIR": str(tmp_path / machine), "TMPDIR": str(tmp_path / machine / "tmp")}
        environments[machine] = shared | own | {"PORT": str(port)}
    first, second = (
        f"http://127.0.0.1:{environments[name]['PORT']}" for name in ("first", "second")
    )
    here = Nodes(first, second, environments, bucket)
    try:
        redis.start()
        here.manage("first", "shell", "-v0", "-c", SET_UP)
        shutil.copytree(here.folder("first") / "static", here.folder("second") / "static")
        queues = "default,notices,deadlines,checks"
        celery = ["celery", "-A", "portal.site.celery:app", "worker", "--queues", queues]
        commands = {
            "first": ["gunicorn"],
            "second": ["gunicorn"],
            "worker": [*celery, "--concurrency", "1", "--loglevel", "warning"],
        }
        for machine, command in commands.items():
            log = tmp_path / f"{machine}.log"
            supervisor.add(Child(machine, PYTHON + command, environments[machine], log))
        for address in (first, second):
            until(lambda address=address: Person(address).get("/healthz").status == 200)  # type: ignore[misc]  # bound at once
        yield here
    finally:
        supervisor.stop()
        for child in supervisor.children.values():
            if child.process:
                child.process.wait()
        bucket.go_down()
        if database:
            administer(f'DROP DATABASE "{database}" WITH (FORCE)')


def until(is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < give_up:
        try:
            if is_so():
                return
        except OSError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"not within {WAIT_SECONDS} s")


def test_nothing_on_the_disk_of_one_is_needed_by_another(nodes: Nodes) -> None:
    """One person goes to and fro between the servers, as behind a balancer; a third machine checks."""
    at_first = Person(nodes.first)
    at_second = Person(nodes.second, at_first.cookies)
    at_first.post("/demo/login/", {"phone": BORROWER}, token_from="/demo/")
    cases = at_first.get("/relief/")
    links = cases.links(r"^/relief/[a-z0-9]+/$")
    assert links, (cases.url, cases.status, cases.text)
    case = links[0]
    papers = {paper.code: paper.data for paper in PAPERS if paper.code in {"S01", "L04"}}

    # taken by one, checked by the worker, seen at the other by the borrower and by staff
    form, ours = at_first.get(f"{case}evidence/"), []
    for code, data in papers.items():
        answer = at_first.upload(
            f"{case}evidence/add/", {"kind": "income"}, f"{code}.x", data, form, headers=HTMX
        )
        ours += re.findall(r'id="file-([a-z0-9]{12})"', answer.text)
    assert len(ours) == 2
    until(lambda: "安全检查中" not in at_second.get(f"{case}evidence/").text)
    staff = Person(nodes.second)
    staff.post("/demo/login/", {"phone": STAFF}, token_from="/demo/")
    for person in (at_second, at_first, staff):
        pages = [person.download(f"/relief/files/{one}/?page=1") for one in ours]
        assert all(page.startswith((b"\xff\xd8\xff", b"%PDF")) for page in pages)

    # removed by the other: gone for both, and a copy of everything made by the third is at both
    form = at_second.get(f"{case}evidence/")
    at_second.submit(f"/relief/files/{ours[0]}/remove/", {}, form, headers=HTMX)
    assert f'id="file-{ours[0]}"' not in at_first.get(f"{case}evidence/").text
    form = at_first.get("/me/settings/export/")
    at_first.submit("/me/settings/export/", {"password": PASSWORD}, form)
    until(lambda: "下载 ZIP" in at_second.get("/me/settings/export/").text)
    form = at_second.get("/me/settings/export/")
    link = re.search(r'action="(/me/settings/export/\w+/)"', form.text)
    assert link, form.text
    copy = at_second.download(link[1], {"password": PASSWORD}, form)
    assert ZipFile(io.BytesIO(copy)).testzip() is None

    # its bytes go by their date, wherever that is looked after
    before = nodes.kept()
    assert "purged 1" in nodes.manage("second", "shell", "-v0", "-c", PURGE)
    assert nodes.kept() < before
    assert at_first.download(f"/relief/files/{ours[1]}/?page=1")

    for machine in nodes.environments:
        assert not (nodes.folder(machine) / "private").exists()
        assert [file for file in (nodes.folder(machine) / "tmp").iterdir() if file.is_file()] == []
