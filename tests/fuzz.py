"""`make fuzz`: values nobody means at every address of the shipped server, over real sockets.

The demo runs with all its parts; its cast sign in, walk their own pages to learn addresses, forms
and parameters, and then send each other's nonsense. Every few hundred requests the database is put
back, so that the run stays among living cases. At the end books and invariants are proven.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import re
import shutil
import sqlite3
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django

CAST = {
    "nobody": "",
    **{f"borrower {n}": f"1380000{n:04}" for n in (1, 2, 3, 4, 5, 6, 8)},
    **{name: name for name in ("agent", "supervisor", "manager", "auditor")},
}
PAGES = 120  # that one person walks to learn their addresses
BETWEEN_RESTORES = 400  # requests
SLOW = 10.0  # seconds; an answer that takes longer is reported
FORM = "application/x-www-form-urlencoded"
# An answer to what cannot be right says what and why, at a field or over the form.
SAID = re.compile(
    rb'role="alert"|err-msg|errornote|errorlist|class="refusal"|class="notice w"|"msg":'
)


@dataclass
class Answer:
    """What Django's test client answers, as far as it is asked here."""

    status_code: int
    headers: http.client.HTTPMessage
    content: bytes
    streaming: bool = False


@dataclass
class Visitor:
    """One person's connection: cookies as they were at login, whatever later answers set."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    line: http.client.HTTPConnection | None = None

    def sign_in(self, account: str) -> None:
        self.keep(self.get("/login/"))
        if account:
            self.keep(self.post("/demo/login/", {"phone": account}))

    def keep(self, answer: Answer) -> None:
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value

    def get(
        self, path: str, data: Mapping[str, Any] | None = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        return self.send("GET", _with(path, data), None, dict(headers))

    def post(
        self,
        path: str,
        data: Mapping[str, Any] | bytes,
        headers: Mapping[str, str] = {},
        query_params: Mapping[str, Any] | None = None,
        content_type: str = FORM,
    ) -> Answer:
        body = data if isinstance(data, bytes) else urlencode(data, errors="replace").encode()
        head = {
            "Content-Type": content_type,
            "X-CSRFToken": self.cookies.get("csrftoken", ""),
            **headers,
        }
        return self.send("POST", _with(path, query_params), body, head)

    def send(self, method: str, path: str, body: bytes | None, head: dict[str, str]) -> Answer:
        head["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        for is_last in (False, True):
            if self.line is None:
                self.line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
            try:
                self.line.request(method, path, body, head)
                answer = self.line.getresponse()
                return Answer(answer.status, answer.headers, answer.read())
            except (http.client.HTTPException, OSError) as broken:
                self.line.close()
                self.line = None
                if is_last:  # the first time, an idle line that the server has closed
                    return Answer(599, http.client.HTTPMessage(), repr(broken).encode())
        raise AssertionError("unreachable")


def _with(path: str, data: Mapping[str, Any] | None) -> str:
    return f"{path}?{urlencode(data, errors='replace')}" if data else path


@dataclass
class Findings:
    """What the run has seen."""

    values: int = 0
    requests: int = 0
    by_status: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    unsaid: dict[str, str] = field(default_factory=dict)
    slow: list[str] = field(default_factory=list)


def walk(visitor: Visitor, start: str) -> dict[str, dict[str, Any]]:
    """The parameters that a person's own pages name, by address; GET alone, so nothing changes."""
    from django.urls import Resolver404, resolve

    from tests.fuzzing import fields_at

    learnt: dict[str, dict[str, Any]] = {}
    waiting, seen = [start], {start}
    for _ in range(PAGES):
        if not waiting:
            break
        for path in fields_at(visitor, waiting.pop(0)).links:
            try:
                match = resolve(path)
            except Resolver404:
                continue
            if path in seen or match.view_name.endswith("logout"):
                continue
            seen.add(path)
            is_new = match.view_name not in learnt
            waiting.insert(0 if is_new else len(waiting), path)  # new kinds of pages first
            learnt.setdefault(match.view_name, match.kwargs)
    return learnt


def path_by(learnt: dict[str, dict[str, Any]]) -> Any:
    """Fills an address with what a person has learnt: for itself, else for its model, else at all."""
    from django.urls import reverse

    anywhere: dict[str, Any] = {"slug": "privacy", "app_label": "relief", "content_type_id": 1}
    by_model: dict[str, Any] = defaultdict(dict)
    for name, values in learnt.items():
        anywhere |= values
        by_model[name.rpartition("_")[0]] |= values

    def path_of(address: Any) -> str:
        known = by_model[address.name.rpartition("_")[0]] | learnt.get(address.name, {})
        one = known.get("pk") or known.get("object_id")
        if one is not None and address.is_desk:
            known |= {"pk": one, "object_id": one}
        known = anywhere | known
        return reverse(address.name, kwargs={name: known[name] for name in address.parameters})

    return path_of


def run(values: int, seed: int) -> Findings:
    from tests.fuzzing import CALLBACK_KEY
    from tests.stack import start_stack

    findings = Findings()
    stack = start_stack(SMS_CALLBACK_KEY=CALLBACK_KEY, LOG_LEVEL="ERROR")
    try:
        clients = {who: Visitor(int(stack.environment["PORT"])) for who in CAST}
        places = places_for(clients)
        live, kept = stack.folder / "demo.sqlite3", stack.folder / "kept.sqlite3"
        copy(live, kept)
        files, kept_files = stack.folder / "private", stack.folder / "kept"
        shutil.copytree(files, kept_files)
        chance = random.Random(seed)
        for place in cycle(places):
            if findings.values >= values:
                break
            if findings.requests % BETWEEN_RESTORES == BETWEEN_RESTORES - 1:
                copy(kept, live)
                shutil.copytree(kept_files, files, dirs_exist_ok=True)
            if findings.requests % 2000 == 1999:
                print(f"{findings.values} values", flush=True)
            send(clients[place.who], place, chance, findings)
        prove(stack, findings)
        return findings
    finally:
        stack.stop()


def places_for(clients: dict[str, Visitor]) -> list[Any]:
    """Sign everybody in, let them walk, and list where each of them gets anything."""
    from tests.fuzzing import places_of

    paths = {}
    for who, account in CAST.items():
        clients[who].sign_in(account)
        home = "/login/" if not account else "/me/" if account.isdigit() else "/admin/"
        paths[who] = path_by(walk(clients[who], home))
    places = places_of(clients, paths)
    print(f"{len(places)} places at {len({place.name for place in places})} addresses", flush=True)
    return places


def send(visitor: Visitor, place: Any, chance: random.Random, findings: Findings) -> None:
    """One request of nonsense, and what came of it."""
    from tests.fuzzing import nasty, report_bodies, signed

    given = nasty(chance, place.names)
    typed = place.form | given if chance.random() < 0.5 else given
    method = chance.choice(("get", "post", "post", "both"))
    htmx = {"HX-Request": "true"} if chance.random() < 0.3 else {}
    started = time.monotonic()
    if place.name == "portal:sms-reports":
        path, raw, headers = signed(next(report_bodies(chance)))
        answer = visitor.post(path, raw, headers, content_type="application/json")
    elif method == "get":
        answer = visitor.get(place.path, typed, htmx)
    else:
        query = nasty(chance, place.names) if method == "both" else None
        answer = visitor.post(place.path, typed, htmx, query)
    findings.values += len(given)
    note(findings, place, method, given, answer, time.monotonic() - started)


def copy(source: Path, target: Path) -> None:
    """One SQLite database over the other, while the server has it open."""
    with sqlite3.connect(source, timeout=60) as one, sqlite3.connect(target, timeout=60) as other:
        one.backup(other)
    one.close()
    other.close()


def note(
    findings: Findings,
    place: Any,
    method: str,
    given: dict[str, Any],
    answer: Answer,
    seconds: float,
) -> None:
    findings.requests += 1
    findings.by_status[answer.status_code] += 1
    what = f"{answer.status_code} {method} {place.name} as {place.who}: {given!r}"[:600]
    if answer.status_code >= 500 and place.name != "portal:readyz":
        number = re.search(rb"[0-9a-z]{12}(?=</)", answer.content)
        findings.faults.append(f"{what} incident={number[0].decode() if number else ''}")
        print("FAULT", findings.faults[-1], flush=True)
    if answer.status_code in {400, 422} and not SAID.search(answer.content):
        findings.unsaid.setdefault(place.name, what)
    if seconds > SLOW:
        findings.slow.append(f"{seconds:.1f} s {what}")


def prove(stack: Any, findings: Findings) -> None:
    for command in ("check_books", "verify_invariants"):
        done = stack.manage(command)
        if done.returncode:
            findings.faults.append(f"{command}: {done.stdout}{done.stderr}")
    log = stack.log().splitlines()
    known = re.compile(r"input\.unfit|desk\.list\.unreadable|/readyz")  # named to whoever sent it
    errors = [line for line in log if re.search(r" (ERROR|CRITICAL) ", line)]
    findings.faults += [line[:3000] for line in errors if not known.search(line)]


def main() -> int:
    """Run, print what was seen; 1 when something broke."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--values", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    os.environ.pop("DATABASE_URL", None)  # a SQLite can be put back in a moment
    os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "DEMO": "1"}
    django.setup()
    started = time.monotonic()
    findings = run(asked.values, asked.seed)
    minutes = (time.monotonic() - started) / 60
    print(f"{findings.values} values in {findings.requests} requests, {minutes:.0f} minutes")
    print("answers:", dict(sorted(findings.by_status.items())))
    for title, found in (
        ("refused without a sentence", list(findings.unsaid.values())),
        (f"over {SLOW:.0f} s", findings.slow),
        ("faults", findings.faults),
    ):
        print(f"{title}: {len(found)}", *found, sep="\n  ")
    return 1 if findings.faults or findings.unsaid else 0


if __name__ == "__main__":
    sys.exit(main())
