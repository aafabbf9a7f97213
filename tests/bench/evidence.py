"""The check of files: what each kind costs, and what 50 uploads at once do to everybody else.

The first table runs the product's own check, one file at a time. For the second the demo runs with all
its processes (as under `make serve`: web, worker, checker of files, beat, Redis); the same pages are
asked in turn before and while 50 files are uploaded at once and checked, and a code is asked for and
waited for as a person would.
"""

from __future__ import annotations

import io
import json
import math
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pikepdf
import pillow_heif
from PIL import Image, ImageDraw

from relief.evidence import kinds as rules
from relief.evidence import sandbox
from tests.bench.pages import PHONE
from tests.chaos.http import Person
from tests.corpus.build import jpeg_page, picture
from tests.corpus.papers import PAPERS
from tests.stack import start_stack
from tests.visitor import Page, Visitor

TIMES = 3  # each kind is checked
IDLE_ROUNDS = 40  # before the load, and as many after it
UPLOADS = 50
SENDERS = (
    "13800000002",
    "13800000003",
    "13800000008",
)  # of the demo cast: with a case that takes files
HTMX = {"HX-Request": "true"}
LAUNCHER = str(Path(__file__).with_name("measured.py"))
PAPER = {paper.code: paper for paper in PAPERS}


def run() -> None:
    """Both tables."""
    show_kinds()
    show_others()


# --- What a check costs ----------------------------------------------------------------------------


def grained(width: int, height: int) -> Image.Image:
    """A photograph whose every part differs, so that it decodes no faster than a camera's."""
    return Image.effect_noise((width // 8, height // 8), 60).resize((width, height)).convert("RGB")


def jpeg(width: int, height: int, quality: int = 80) -> bytes:
    out = io.BytesIO()
    grained(width, height).save(out, "JPEG", quality=quality)
    return out.getvalue()


def heic(width: int, height: int) -> bytes:
    """Packed in a hurry: how well does not matter to who opens it."""
    out = io.BytesIO()
    packed = pillow_heif.from_pillow(grained(width, height))
    packed.save(out, quality=30, enc_params={"preset": "ultrafast"})
    return out.getvalue()


def scans(pages: int, dots: int = 150) -> bytes:
    """A PDF of so many scanned A4 pages, each a picture of its own."""
    made = pikepdf.Pdf.new()
    for number in range(1, pages + 1):
        image = Image.new("RGB", (dots * 827 // 100, dots * 1169 // 100), "white")
        pen = ImageDraw.Draw(image)
        for line in range(20):
            pen.text(
                (100, 100 + line * 76), f"{number}.{line} " + "payment 6200.00 " * 8, fill="black"
            )
        out = io.BytesIO()
        image.save(out, "JPEG", quality=40)
        with pikepdf.open(io.BytesIO(jpeg_page(out.getvalue()))) as page:
            made.pages.extend(page.pages)
    whole = io.BytesIO()
    made.save(whole)
    return whole.getvalue()


KINDS: dict[str, Callable[[], bytes]] = {
    "photograph 12 MP (JPEG)": lambda: jpeg(4032, 3024),
    "photograph 48 MP (JPEG)": lambda: jpeg(8064, 6048),
    "photograph 64 MP (JPEG)": lambda: jpeg(9248, 6936, 70),
    "photograph 48 MP (HEIC)": lambda: heic(8064, 6048),
    "picture 64 MP (PNG)": lambda: picture("PNG", (9248, 6936)),
    "long screenshot 1080×12000 (PNG)": lambda: PAPER["L04"].data,
    "statement with a seal (PDF)": lambda: PAPER["S01"].data,
    "signed receipt (PDF)": lambda: PAPER["S04"].data,
    "form (PDF)": lambda: PAPER["F02"].data,
    "statement, 30 pages (PDF)": lambda: PAPER["T02"].data,
    "scan 600 dpi (PDF)": lambda: PAPER["C04"].data,
    "scans, 100 pages (PDF)": lambda: scans(100),
}


@dataclass(frozen=True)
class Cost:
    """Of one check: seconds of processor and of waiting, largest memory in MB, pages drawn or the refusal."""

    cpu: float
    wall: float
    megabytes: float
    came: str


def cost(data: bytes) -> Cost:
    """The product's check of these bytes, its child started by `measured.py`."""
    head = data[: rules.HEAD_BYTES]
    kind = rules.check_upload(size=len(data), head=head, case_files=0, user_bytes=0)
    plain_run = subprocess.run
    with tempfile.NamedTemporaryFile(prefix="kuanxi-bench-") as used:

        def measured(command: list[str], **options: Any) -> Any:
            return plain_run([command[0], LAUNCHER, used.name, *command], **options)

        with patch.object(subprocess, "run", measured):
            started = time.perf_counter()
            with sandbox.check(rules.CHECK_KINDS[kind], io.BytesIO(data)) as result:
                wall = time.perf_counter() - started
                came = str(len(result.page_sizes)) if result.ok else result.code
        told = json.loads(Path(used.name).read_text())
    return Cost(told["cpu"], wall, told["megabytes"], came)


def show_kinds() -> None:
    """One row a kind: medians of seconds, the largest memory."""
    print(f"\nThe check of a file, median of {TIMES}, one at a time\n")
    print("| kind | KB | pages | CPU s | wall s | peak MB |\n|---|---:|---:|---:|---:|---:|")
    for name, make in KINDS.items():
        data = make()
        costs = [cost(data) for _ in range(TIMES)]
        print(
            f"| {name} | {len(data) // 1024:,} | {costs[0].came} "
            f"| {statistics.median(one.cpu for one in costs):.2f} "
            f"| {statistics.median(one.wall for one in costs):.2f} "
            f"| {max(one.megabytes for one in costs):.0f} |",
            flush=True,
        )


# --- What it does to everybody else ------------------------------------------------------------------


class Everybody:
    """Whoever sends no file: opens the login page and 我的, asks for a code and waits for it."""

    def __init__(self, address: str) -> None:
        self.stranger, self.borrower = Person(address), Visitor(address)
        self.borrower.post("/demo/login/", {"phone": PHONE}, token_from="/demo/")
        self.login = self.stranger.get("/login/")
        self.numbers = (f"137{number:08d}" for number in count())

    def round(self, times: dict[str, list[float]]) -> None:
        """Each once, in milliseconds."""
        acts: dict[str, Callable[[], object]] = {
            "登录 /login/": lambda: self.stranger.get("/login/"),
            "我的 /me/": lambda: self.borrower.get("/me/"),
            "asking for a code": self.ask,
            "… until it is on the phone": self.wait,
        }
        for name, act in acts.items():
            started = time.perf_counter()
            act()
            times.setdefault(name, []).append((time.perf_counter() - started) * 1000)

    def ask(self) -> None:
        self.number = next(self.numbers)
        fields = {"phone": self.number, "agree": "on"}
        answer = self.stranger.submit("/login/code/", fields, self.login, headers=HTMX)
        assert answer.status == 200, answer.text

    def wait(self) -> None:
        """Look at the demo's phone until the six digits are there."""
        while "<code>" not in self.stranger.get(f"/demo/phone/?to={self.number}").text:
            time.sleep(0.05)


class Senders:
    """Borrowers with a case each, who send 50 files at the same moment."""

    def __init__(self, address: str) -> None:
        self.people = [Person(address) for _ in SENDERS]
        self.forms: list[tuple[Person, str, Page]] = []
        for person, phone in zip(self.people, SENDERS, strict=True):
            person.post("/demo/login/", {"phone": phone}, token_from="/demo/")
            case = person.get("/relief/").links(r"^/relief/[a-z0-9]+/$")[0]
            self.forms.append((person, f"{case}evidence/", person.get(f"{case}evidence/")))
        self.files = [make() for make in LOAD]
        self.together = threading.Barrier(UPLOADS)

    def send_all(self) -> None:
        """Every file differs in its last bytes: nobody sends one twice."""
        with ThreadPoolExecutor(UPLOADS) as threads:
            answers = list(threads.map(self.send, range(UPLOADS)))
        refused = [answer.text for answer in answers if answer.status != 200]
        assert not refused, refused[0]

    def send(self, number: int) -> Page:
        person, path, form = self.forms[number % len(self.forms)]
        line = Person(person.address, person.cookies)
        data = self.files[number % len(self.files)] + b"\n%%%d" % number
        self.together.wait()
        return line.upload(
            f"{path}add/", {"kind": "income"}, f"{number}.x", data, form, headers=HTMX
        )

    def unchecked(self) -> int:
        return sum(person.get(path).text.count("安全检查中") for person, path, _ in self.forms)


LOAD = (
    KINDS["photograph 12 MP (JPEG)"],
    KINDS["photograph 48 MP (JPEG)"],
    KINDS["long screenshot 1080×12000 (PNG)"],
    KINDS["statement, 30 pages (PDF)"],
    lambda: scans(10),
)


def show_others() -> None:
    """p95 of what others do, idle and under the load, with the ratios: printed, not judged."""
    stack = start_stack()
    times = Times()
    try:
        others, senders = Everybody(stack.address), Senders(stack.address)
        others.round({})  # warms the caches
        for _ in range(IDLE_ROUNDS):
            others.round(times.idle)
        uploaded, checked = load(others, senders, times)
        for _ in range(IDLE_ROUNDS):  # before and after, as a shared machine changes meanwhile
            others.round(times.idle)
    finally:
        stack.stop()
    size = sum(map(len, senders.files)) / len(senders.files) * UPLOADS / rules.MEGABYTE
    print(
        f"\n{UPLOADS} uploads at once ({size:.0f} MB) by {len(SENDERS)} borrowers: all taken after "
        f"{uploaded:.1f} s, all checked after {checked:.1f} s; p95 ms and × idle "
        f"(load average of the machine {os.getloadavg()[0]:.1f})\n"
    )
    print("| what others do | idle | meanwhile | of that while they upload |")
    print("|---|---:|---:|---:|")
    for name, idle in times.idle.items():
        burst = times.uploading[name]
        cells = [f"{p95(idle):.0f}"]
        for values in (burst + times.checking[name], burst):
            cells.append(f"{p95(values):.0f} ({p95(values) / p95(idle):.1f} ×)")
        print(f"| {name} | {' | '.join(cells)} |")
    rounds = [
        len(next(iter(one.values()))) for one in (times.idle, times.uploading, times.checking)
    ]
    print(f"\nRounds: {rounds[0]} idle, {rounds[1]} while they upload, {rounds[2]} after that")


@dataclass
class Times:
    """Milliseconds by act, in the three phases."""

    idle: dict[str, list[float]] = field(default_factory=dict)
    uploading: dict[str, list[float]] = field(default_factory=dict)
    checking: dict[str, list[float]] = field(default_factory=dict)


def p95(values: list[float]) -> float:
    """The value that 95 of 100 do not exceed, by nearest rank."""
    return sorted(values)[math.ceil(len(values) * 0.95) - 1]


def load(others: Everybody, senders: Senders, times: Times) -> tuple[float, float]:
    """From the first byte until the last file is checked; seconds until all are taken, and checked."""
    started = time.perf_counter()
    with ThreadPoolExecutor(1) as thread:
        sending = thread.submit(senders.send_all)
        while not sending.done():
            others.round(times.uploading)
        sending.result()
    uploaded = time.perf_counter() - started
    while senders.unchecked():
        others.round(times.checking)
    return uploaded, time.perf_counter() - started
