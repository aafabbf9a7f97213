"""The check of files: what each kind costs, and what 50 uploads at once do to everybody else.

The first table runs the product's own check, one file at a time. For the second the demo runs with all
its processes (as under `make serve`: web, worker, checker of files, beat, Redis); some people go on opening
the same pages before, while and after 50 files are uploaded at once and checked, and one asks for codes and
waits for them. Who sends is another process than who measures, as it is another machine in life.
"""

from __future__ import annotations

import io
import json
import math
import multiprocessing
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
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
IDLE_SECONDS = 12  # before the load, and as many after it
PAUSE = 0.1  # seconds that a person looks at a page before the next act
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

FORKED = multiprocessing.get_context("fork")
Acts = dict[str, Callable[[], object]]
Times = dict[str, list[float]]  # milliseconds by act


class Everybody:
    """Whoever sends no file: two open the login page and 我的 again and again, one asks for codes."""

    def __init__(self, address: str) -> None:
        self.strangers, self.borrower = [Person(address), Person(address)], Visitor(address)
        self.borrower.post("/demo/login/", {"phone": PHONE}, token_from="/demo/")
        self.login = self.strangers[1].get("/login/")
        self.numbers = (f"137{number:08d}" for number in count())

    @contextmanager
    def at_it(self, times: Times) -> Iterator[None]:
        """They go on until the end of the block; milliseconds by act into `times`."""
        over = threading.Event()
        ways: list[Acts] = [
            {"登录 /login/": lambda: self.strangers[0].get("/login/")},
            {"我的 /me/": lambda: self.borrower.get("/me/")},
            {"asking for a code": self.ask, "… until it is on the phone": self.wait},
        ]
        with ThreadPoolExecutor(len(ways)) as threads:
            going = [threads.submit(self._go_on, acts, times, over) for acts in ways]
            try:
                yield
            finally:
                over.set()
        for one in going:
            one.result()

    def _go_on(self, acts: Acts, times: Times, over: threading.Event) -> None:
        while not over.is_set():
            for name, act in acts.items():
                started = time.perf_counter()
                act()
                times.setdefault(name, []).append((time.perf_counter() - started) * 1000)
            over.wait(PAUSE)

    def ask(self) -> None:
        self.number = next(self.numbers)
        fields = {"phone": self.number, "agree": "on"}
        answer = self.strangers[1].submit("/login/code/", fields, self.login, headers=HTMX)
        assert answer.status == 200, answer.text

    def wait(self) -> None:
        """Look at the demo's phone until the six digits are there."""
        while "<code>" not in self.strangers[1].get(f"/demo/phone/?to={self.number}").text:
            time.sleep(0.05)


class Senders:
    """Borrowers with a case each, who send 50 files at the same moment, from a process of their own."""

    def __init__(self, address: str) -> None:
        self.people = [Person(address) for _ in SENDERS]
        self.forms: list[tuple[Person, str, Page]] = []
        for person, phone in zip(self.people, SENDERS, strict=True):
            person.post("/demo/login/", {"phone": phone}, token_from="/demo/")
            case = person.get("/relief/").links(r"^/relief/[a-z0-9]+/$")[0]
            self.forms.append((person, f"{case}evidence/", person.get(f"{case}evidence/")))
        self.files = [make() for make in LOAD]
        self.together = threading.Barrier(UPLOADS)
        self.begin = FORKED.Event()
        self.process = FORKED.Process(target=self._send_all, daemon=True)
        self.process.start()

    def send_all(self) -> None:
        """Returns when each file has its answer."""
        self.begin.set()
        self.process.join()
        assert self.process.exitcode == 0

    def _send_all(self) -> None:
        """Every file differs in its last bytes: nobody sends one twice."""
        self.begin.wait()
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
    idle: Times = {}
    uploading: Times = {}
    checking: Times = {}
    try:
        others, senders = Everybody(stack.address), Senders(stack.address)
        with others.at_it({}):
            time.sleep(1)  # warms the caches
        with others.at_it(idle):
            time.sleep(IDLE_SECONDS)
        started = time.perf_counter()
        with others.at_it(uploading):
            senders.send_all()
        uploaded = time.perf_counter() - started
        with others.at_it(checking):
            while senders.unchecked():
                time.sleep(1)
        checked = time.perf_counter() - started
        with others.at_it(idle):  # before and after, as a shared machine changes meanwhile
            time.sleep(IDLE_SECONDS)
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
    for name, values in idle.items():
        burst = uploading[name]
        cells = [f"{p95(values):.0f}"]
        for loaded in (burst + checking[name], burst):
            cells.append(f"{p95(loaded):.0f} ({p95(loaded) / p95(values):.1f} ×)")
        print(f"| {name} | {' | '.join(cells)} |")
    acts = [sum(map(len, times.values())) for times in (idle, uploading, checking)]
    print(f"\nActs: {acts[0]} idle, {acts[1]} while they upload, {acts[2]} after that")


def p95(values: list[float]) -> float:
    """The value that 95 of 100 do not exceed, by nearest rank."""
    return sorted(values)[math.ceil(len(values) * 0.95) - 1]
