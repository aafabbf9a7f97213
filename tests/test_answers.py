"""What every answer carries: headers that deny, and on an error page the number that the log has."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.core import clock
from portal.core.kernel.roles import Rank
from portal.core.web.access import COSTLY
from portal.site.logs import LineFormatter
from tests import factories
from tests.test_settings import LIFE
from tests.world import World, build_world

ROOT = Path(__file__).resolve().parent.parent
INCIDENT = re.compile(r"data-incident>([^<]+)<")


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """The lines of the log as they are written."""
    written: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    handler = Keep()
    handler.setFormatter(LineFormatter())
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


def large(client: Client) -> Any:
    return client.post(
        "/login/", b"x", "text/plain", headers={"content-length": str(400 * 1024**2)}
    )


ERRORS: list[tuple[int, Callable[[Client], Any]]] = [
    (400, lambda client: client.get("/verify/?code=%00")),
    (403, lambda client: client.get(reverse("portal:settings"))),
    (403, lambda client: Client(enforce_csrf_checks=True).post("/login/", {"by": "code"})),
    (404, lambda client: client.get("/nowhere/")),
    (409, lambda client: client.get("/error/409/")),
    (413, large),
    (500, lambda client: client.get("/error/500/")),
]


@pytest.mark.urls("tests.screens.errors")
@pytest.mark.django_db
@pytest.mark.parametrize(("status", "ask"), ERRORS)
def test_an_error_page_has_the_number_that_the_log_has(
    status: int, ask: Callable[[Client], Any], lines: list[str]
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(factories.staff(Rank.REVIEWER))

    pages = [ask(client), ask(client)]

    assert [page.status_code for page in pages] == [status, status]
    numbers = [INCIDENT.findall(page.content.decode()) for page in pages]
    assert [len(found) for found in numbers] == [1, 1]
    assert numbers[0] != numbers[1]
    for (number,) in numbers:
        assert any(
            line.endswith(f"incident={number}") or f"incident={number} " in line for line in lines
        )


@pytest.mark.urls("tests.screens.errors")
@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    ["/login/", "/nowhere/", "/error/500/", "/healthz", "/static/img/favicon.svg", "/me/"],
)
def test_every_answer_denies_what_no_page_of_ours_needs(address: str) -> None:
    answer = Client(raise_request_exception=False).get(address)

    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.django_db
@pytest.mark.parametrize("way_out", ["portal:logout", "admin:logout"])
def test_both_ways_out_clear_the_browser(way_out: str) -> None:
    client = Client()
    client.force_login(factories.staff(Rank.REVIEWER))

    answer = client.post(reverse(way_out))

    assert answer["Clear-Site-Data"] == '"cache", "storage"'


COOKIES = """
import django; django.setup()
from django.conf import settings
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
call_command("collectstatic", verbosity=0, interactive=False)
from tests import factories
from tests.factories import PASSWORD
factories.borrower(phone="13800136027")
client = Client(headers={"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"})
client.get("/login/", secure=True)
values = {"by": "password", "phone": "13800136027", "password": PASSWORD, "agree": "on"}
assert client.post("/login/", values, secure=True).status_code == 302
calls = {"sms_enabled": "on", "call_from": "09:00:00", "call_to": "20:00:00"}
assert client.post("/me/settings/", calls, secure=True).status_code == 302
for cookie in client.cookies.values():
    print(cookie.key, bool(cookie["secure"]), cookie["path"], cookie["domain"] or "-")
"""


def test_under_https_cookies_are_kept_to_this_host(tmp_path: Path) -> None:
    """`__Host-` is a promise that browsers hold to: Secure, Path=/ and no Domain."""
    environment = {
        **LIFE,
        "DJANGO_SETTINGS_MODULE": "portal.site.settings",
        "VAR_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "ALLOWED_HOSTS": "testserver",
    }
    run = subprocess.run(
        [sys.executable, "-c", COOKIES],
        **{"cwd": ROOT, "env": environment, "capture_output": True, "text": True},
    )

    assert run.returncode == 0, run.stderr
    assert sorted(run.stdout.split("\n")[:-1]) == [
        f"__Host-{name} True / -" for name in ("csrftoken", "device", "messages", "sessionid")
    ]


@pytest.fixture
def world(frozen: object) -> World:
    return build_world()


@pytest.mark.django_db
def test_papers_are_counted_by_person(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.fromisoformat("2026-03-02T02:00:00+00:00")
    monkeypatch.setattr(clock, "real_now", lambda: now)
    owner, other = Client(), Client()
    owner.force_login(world.owner)
    other.force_login(factories.borrower(phone="13800136999"))
    names = ("statement-pdf", "statement-csv", "penalty-pdf", "penalty-csv", "certificate-pdf")
    pages = [reverse(f"loans:{name}", args=[world.values["loan"]]) for name in names]
    pages.append(reverse("relief:agreement-pdf", args=[world.values["case"]]))

    for number in range(COSTLY.count):
        assert owner.get(pages[number % len(pages)]).status_code in {200, 404}
    answers = [owner.get(page) for page in pages]

    for answer in answers:
        assert answer.status_code == 429
        assert "下载过于频繁，请约 10 分钟后再试" in answer.content.decode()
        assert answer["Retry-After"] == "600"
    assert owner.get(reverse("loans:statement", args=[world.values["loan"]])).status_code == 200
    assert other.get(pages[0]).status_code == 404
    now += timedelta(minutes=10)
    assert owner.get(pages[0]).status_code == 200
