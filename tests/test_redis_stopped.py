"""Redis killed under the running product: pages and accepting go on, and the queue drains after."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from portal.site.demo.cast import PASSWORD
from portal.site.private_redis import command
from tests.chaos.http import Person, hidden
from tests.stack import Stack, start_stack

pytestmark = [pytest.mark.redis, pytest.mark.slow, pytest.mark.django_db]
PHONE = "13800000003"  # of the cast: an offer to answer
READING, DRAIN = 11, 60  # seconds
UNSENT = (
    "from portal.core.models import Delivery as D; from portal.core import clock; "
    "print('unsent', D.objects.due(clock.now()).count() + D.objects.filter(status='claimed').count())"
)


class PrivateRedis:
    """A Redis that keeps nothing, on a socket in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.socket, self.folder = folder / "redis.sock", folder
        self.start()

    def start(self) -> None:
        options = [*command(self.socket, self.folder), "--appendonly", "no"]
        self.process = subprocess.Popen(options, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    server = PrivateRedis(tmp_path_factory.mktemp("r"))
    yield server
    server.kill()


@pytest.fixture
def stack(redis: PrivateRedis) -> Iterator[Stack]:
    running = start_stack(REDIS_URL=f"unix://{quote(str(redis.socket))}")
    yield running
    running.stop()


def test_redis_is_no_place_of_truth(stack: Stack, redis: PrivateRedis) -> None:
    person = Person(stack.address)
    person.post("/demo/login/", {"account": PHONE, "phone": PHONE}, token_from="/demo/")
    case = person.get("/relief/").links(r"^/relief/[a-z0-9]+/$")[0]
    offer = person.get(case).links(r"/offers/\d+/$")[0]
    move_to_morning(stack)
    person.get(offer)
    redis.kill()

    opened = time.monotonic()
    for path in ("/me/", "/jiebei/", case, offer, "/service/", "/me/notices/"):
        started = time.monotonic()
        assert person.get(path).status == 200
        assert time.monotonic() - started < 2, path
    time.sleep(max(0.0, READING - (time.monotonic() - opened)))
    sheet = person.get(offer + "accept/")
    fields = hidden(sheet) | {"agree": "on", "know": "on", "by": "password", "do": "accept"}
    fields.pop("code", None)
    started = time.monotonic()
    answer = person.submit(offer + "accept/", fields | {"password": PASSWORD}, sheet)
    assert time.monotonic() - started < 4
    assert answer.url.endswith("/agreement/")
    assert "unsent 0" not in unsent(stack)

    redis.start()
    give_up = time.monotonic() + DRAIN
    while "unsent 0" not in unsent(stack):
        assert time.monotonic() < give_up, stack.log()[-3000:]
    assert stack.manage("verify_invariants").returncode == 0


def unsent(stack: Stack) -> str:
    return stack.manage("shell", "-v", "0", "-c", UNSENT).stdout


def move_to_morning(stack: Stack) -> None:
    """Messages may go out, whenever the test runs."""
    code = (
        "from portal.core import clock; from tests.chaos.people import morning; "
        "clock.advance_to(morning(clock.now()))"
    )
    assert stack.manage("shell", "-v", "0", "-c", code).returncode == 0
