"""One size of the books: `python -m tests.bench.accepting <loans>` on an empty database; prints JSON."""

from __future__ import annotations

import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.parse
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

ROUNDS = 14  # the address's own limit of twenty passwords an hour holds here too
WARM = 2
PHONE = "13900001234"
AROUND = re.compile(r"django_session|portal_throttle|pg_advisory|portal_user|SET |savepoint", re.I)
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def main() -> None:
    """Fill, count, serve, time, prove."""
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from loans.models import Loan

    size = int(sys.argv[1])
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("generate_books", size, stdout=sys.stderr)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # what autovacuum does within minutes of such a load
        cursor.execute("CHECKPOINT")
    paths = prepare(ROUNDS + 1)
    told: dict[str, Any] = {"loans": Loan.objects.count(), **counted(paths.pop())}
    with ExitStack() as running:
        port = serve(running)
        times = sorted(timed(port, paths)[WARM:])
    from loans.proofs import violations

    told |= {
        "median": statistics.median(times),
        "p90": times[int(len(times) * 0.9)],
        "argon2": hashing(),
        "violations": len(violations()),
    }
    print(json.dumps(told))


def prepare(count: int) -> list[str]:
    """So many offers, each on an overdue loan of one borrower, each read a minute ago."""
    from portal.core import clock
    from relief.cases.workflow import State
    from relief.offers import negotiate
    from tests import factories

    now = clock.now() - timedelta(minutes=1)
    person = factories.borrower(PHONE)
    today = clock.today()
    paths = []
    for _ in range(count):
        drawn = today.replace(day=1) - timedelta(days=110)
        loan = factories.overdue_loan(person, drawdown_on=drawn)
        case = factories.case_at(State.OFFERED, loan=loan, now=now)
        offer = factories.open_offer(case)
        negotiate.open_offer(case=case, number=offer.number, actor=person, now=now)
        paths.append(f"/relief/{case.public_id}/offers/{offer.number}/accept/")
    return paths


def form_of(page: str) -> dict[str, str]:
    """The sheet's hidden fields, with the ticks and the password."""
    from tests.factories import PASSWORD

    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    token = TOKEN.search(page)
    assert seen is not None, page[:2000]
    assert token is not None
    return {
        **{"csrfmiddlewaretoken": token[1], "seen": seen[1], "agree": "on", "know": "on"},
        **{"by": "password", "password": PASSWORD, "do": "accept"},
    }


def logged_in() -> Any:
    """A client with the borrower's session."""
    from django.test import Client

    from portal.core.models import User

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.get(phone=PHONE))
    return client


def counted(path: str) -> dict[str, int]:
    """All statements of one POST: session and login, throttle, savepoints, BEGIN and COMMIT too."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = logged_in()
    values = form_of(client.get(path).content.decode())
    with CaptureQueriesContext(connection) as seen:
        answer = client.post(path, values)
    assert answer.status_code == 302, answer.content.decode()[:2000]
    statements = [row["sql"] for row in seen.captured_queries]
    if os.environ.get("SHOW_SQL"):
        print("\n".join(line[:150] for line in statements), file=sys.stderr)
    return {
        "statements": len(statements),
        "around": sum(1 for line in statements if AROUND.search(line)),
    }


# --- Served --------------------------------------------------------------------------------------


def serve(running: ExitStack) -> int:
    """gunicorn and a Redis until the stack of contexts is left; the port."""
    from portal.site.private_redis import command
    from tests.stack import free_port

    folder = Path(os.environ["VAR_DIR"])
    port = free_port()
    web = [sys.executable, "-m", "gunicorn"]
    environment = {**os.environ, "PORT": str(port)}
    for line in (command(folder / "redis.sock", folder / "redis"), web):
        quiet = subprocess.DEVNULL
        child = subprocess.Popen(line, env=environment, stdout=quiet, stderr=quiet)
        running.callback(child.wait, 20)
        running.callback(child.terminate)
    for _ in range(100):
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=2).connect()
            return port
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("gunicorn did not start")


def timed(port: int, paths: list[str]) -> list[float]:
    """Milliseconds of each POST alone, over a connection of its own."""
    client = logged_in()
    address = f"http://127.0.0.1:{port}"
    times = []
    for path in paths:
        body = urllib.parse.urlencode(form_of(client.get(path).content.decode()))
        cookies = "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())
        headers = {
            **{"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"},
            **{"Origin": address, "Referer": address + path},
        }
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        started = time.perf_counter()
        line.request("POST", path, body, headers)
        answer = line.getresponse()
        said = answer.read()
        times.append((time.perf_counter() - started) * 1000)
        assert answer.status == 302, said.decode()[:2000]
        line.close()
    return times


def hashing() -> float:
    """What checking the password costs by itself, in milliseconds."""
    from django.contrib.auth.hashers import check_password, make_password

    stored = make_password("kuanxi-2026")
    times = []
    for _ in range(9):
        started = time.perf_counter()
        check_password("kuanxi-2026", stored)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    main()
