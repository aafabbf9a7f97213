"""`python -m tests.pictures`: every screen and state as pictures, the same on every run, with an index.

The demo's cast is seeded at one instant and served by this process with its clocks standing there;
pages are found as tests/screens/crawl.py finds them, states by the short acts below; the states of a
case that nobody of the cast is in belong to people of their own, and each error has its page. Each is
taken at 390 and 1280 px, light and dark, and in 大字模式. Files go to var/pictures, which git ignores.
`--as NAME …` takes what these see ("nobody" is not logged in, "errors", a state as "REJECTED").
"""

from __future__ import annotations

import argparse
import html
import os
import random
import re
import secrets
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from zoneinfo import ZoneInfo

import time_machine
from PIL import Image
from playwright.sync_api import Browser, Error, Page

from tests.journeys.people import Person
from tests.screens.chromium import chromium
from tests.screens.crawl import CRAWLERS, Crawler, kind_of, pages_of
from tests.screens.layout import SETTLE, Size, wear
from tests.stack import free_port

ROOT = Path(__file__).resolve().parent.parent
INTO = ROOT / "var" / "pictures"
MOMENT = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
SEED = 20261124
WINDOW, MOST_HIGH = 844, 6000  # px


@dataclass(frozen=True)
class Look:
    """One way to see a screen."""

    name: str
    size: Size
    scheme: str = "light"


PHONE, WIDE = Size("", 390), Size("", 1280)
LOOKS = (
    Look("390 light", PHONE),
    Look("390 dark", PHONE, "dark"),
    Look("1280 light", WIDE),
    Look("1280 dark", WIDE, "dark"),
    Look("390 large type", Size("", 390, is_large=True)),
)
DESK_LOOKS = (*LOOKS[2:4], *LOOKS[:2])


def looks_of(account: str) -> tuple[Look, ...]:
    return DESK_LOOKS if account == "manager" else LOOKS


# Pages that say the same to everybody: one picture of them is enough.
SAME_FOR_ALL = re.compile(r"^/($|(help|legal|verify|me/(settings|notices)|kept)/)")
DAYS_ALIKE = re.compile(r"/workday/\d{4}-\d\d-\d\d/")  # of the desk's calendar: one for all


# --- States that no link leads to: who, where, and what is done there -----------------------------------


def press(*names: str) -> Callable[[Person], None]:
    def act(person: Person) -> None:
        for name in names:
            person.press(name)

    return act


def login_refused(person: Person) -> None:
    person.fill("手机号", "13800000001")
    person.page.locator('input[name="password"]').fill("not-the-password")
    person.page.locator('input[name="agree"]').check()
    person.press("登录", exact=True)


def login_empty(person: Person) -> None:
    person.press("登录", exact=True)


def code_asked(person: Person) -> None:
    person.fill("手机号", "13912345678")
    person.press("获取验证码")


def session_ended(person: Person) -> None:
    person.page.context.clear_cookies()
    person.press("提交建议")


def counter_refused(person: Person) -> None:
    person.page.locator('#counter-form [name="waive"]').fill("99999")
    person.page.locator('#counter-form [name="terms"]').fill("70")
    person.press("提交建议")


DESK_CASE = "/admin/relief/case/…/change/"


@dataclass(frozen=True)
class State:
    """What a person ("" is nobody) reaches on a page of the crawl whose kind is `at`."""

    name: str
    account: str
    at: str
    act: Callable[[Person], None]


STATES = (
    State("login refused", "", "/login/?by=password", login_refused),
    State("login empty", "", "/login/?by=password", login_empty),
    State("code sent", "", "/register/", code_asked),
    State("register refused", "", "/register/", press("注册")),
    State("document not found", "", "/verify/?code=NOSUCHCODE", lambda person: None),
    State("no such page", "", "/nothing/", lambda person: None),
    State("application without reason", "13800000001", "apply", press("下一步")),
    State("accept sheet", "13800000003", "offer", press("接受方案")),
    State("counter refused", "13800000003", "reject", counter_refused),
    State("session ended", "13800000003", "reject", session_ended),
    State("desk paper open", "manager", DESK_CASE, press("查看")),
    State("desk offer", "manager", DESK_CASE, press("通过并拟方案")),
    State("desk proof asked for", "manager", DESK_CASE, press("要求补充")),
    State("desk rejection", "manager", DESK_CASE, press("不通过")),
)


# --- States of a case that nobody of the cast is in -------------------------------------------------------

# With the days since the case was made; the loans are three instalments late, one for half a year.
CASES: dict[str, int] = {
    "NEGOTIATING": 1,
    "AWAITING_APPROVAL": 1,
    "COUNTERED": 1,
    "DECLINED": 2,
    "REJECTED": 2,
    "WITHDRAWN": 1,
    "EXPIRED": 9,
    "SETTLED": 2,
    "WARNED": 35,
    "BREACHED": 45,
    "COMPLETED": 3,
    "CURED": 35,
    "LONG LATE": 1,
}
LATE_DAYS = {"LONG LATE": 190}
OF_CASES = ("/me/", "/jiebei/", "/relief/", "/service/", "/me/notices/")


def someone_in(name: str) -> str:
    """The cookie of a borrower whose case is in this state, brought there through the services."""
    from django.conf import settings
    from django.test import Client

    from relief.cases.workflow import State as CaseState
    from tests import factories

    made_at = MOMENT - timedelta(days=CASES[name])
    drawn_on = (made_at - timedelta(days=LATE_DAYS.get(name, 60) + 45)).date()
    owner = factories.borrower(name="阿依努尔·买买提")
    loan = factories.overdue_loan(owner, drawdown_on=drawn_on, principal=Decimal("20000.00"))
    state = {"CURED": "WARNED", "LONG LATE": "SUBMITTED"}.get(name, name)
    case = factories.case_at(CaseState(state), loan=loan, now=made_at)
    if name == "CURED":
        factories.pay_plan(case, on=MOMENT.date())
    client = Client()
    client.force_login(owner)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


# --- The site, standing still ----------------------------------------------------------------------------


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """The pictures are what is told."""


@contextmanager
def still_site() -> Iterator[str]:
    """The address of the demo at MOMENT with ids of SEED, on data of its own."""
    folder = Path(tempfile.mkdtemp(prefix="kuanxi-pictures-"))
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "portal.site.settings",
        "DEMO": "1",
        "HTTPS": "0",
        "VAR_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'demo.sqlite3'}",
        "SECRET_KEY": "pictures-only-key-" + "0123456789" * 5,
        "LOG_LEVEL": "ERROR",
    }
    chance = random.Random(SEED)
    secrets.choice = chance.choice  # type: ignore[assignment]  # public ids and codes on documents
    try:
        with time_machine.travel(MOMENT, tick=False):
            yield from _serve(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _serve(folder: Path) -> Iterator[str]:
    import django

    django.setup()
    from django.conf import settings

    settings.ROOT_URLCONF = "tests.screens.errors"
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("seed_demo", verbosity=0)
    from portal.site.wsgi import application

    server = make_server("127.0.0.1", free_port(), application, _Server, _Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


# --- Taking them ------------------------------------------------------------------------------------------


@dataclass
class Album:
    """Takes pictures and remembers their names: screen → look → file."""

    into: Path

    def __post_init__(self) -> None:
        self.screens: dict[str, dict[str, str]] = {}

    def take(self, person: Person, screen: str, looks: tuple[Look, ...]) -> None:
        """The page as it stands now, in each look: whole, so that its bars stand at its end; a dialogue as it opens."""
        has_dialogue = person.page.locator("dialog[open]").count() > 0
        number = f"{len(self.screens) + 1:03}"
        for look in looks:
            person.page.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            wear(person.page, look.size)
            if not has_dialogue:
                show_whole(person.page)
            file = f"{number} {look.name}.png".replace(" ", "-")
            person.page.screenshot(path=self.into / file, animations="disabled")
            self.screens.setdefault(screen, {})[look.name] = file
        person.page.emulate_media(color_scheme="light")
        person.page.set_viewport_size({"width": 390, "height": WINDOW})
        wear(person.page, looks[0].size)

    def write_index(self) -> None:
        """index.html: a row a screen, small pictures that open large."""
        rows = "\n".join(
            f"<h2>{html.escape(screen)}</h2><p>"
            + "".join(
                f'<a href="{file}"><img src="{file}" alt="{html.escape(screen)}, {look}" loading="lazy" height="360"></a>\n'
                for look, file in files.items()
            )
            for screen, files in self.screens.items()
        )
        page = f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>宽息: pictures</title><h1>{len(self.screens)} screens</h1>{rows}</html>'
        (self.into / "index.html").write_text(page, encoding="utf-8")


def show_whole(page: Page) -> None:
    """A window as high as the page."""
    width = (page.viewport_size or {"width": 390})["width"]
    page.set_viewport_size({"width": width, "height": WINDOW})
    page.evaluate(SETTLE)
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": min(height, MOST_HIGH)})
    page.evaluate(SETTLE)


def picture_all(album: Album, browser: Browser, address: str, only: list[str]) -> None:
    """The pages of everybody, or of `only` some, each followed by the states that are theirs."""
    told: set[str] = set()
    places: dict[tuple[str, str], str] = {}
    for crawler in CRAWLERS:
        who = crawler.account or "nobody"
        # The auditor sees what the manager sees, without buttons.
        if who == "auditor" or (only and who not in only):
            continue
        with arrived(browser, address, crawler) as person:
            for path in pages_of(person, crawler.starts):
                kind = kind_of(path)
                places.setdefault((crawler.account, short_of(kind)), path)
                kind = DAYS_ALIKE.sub("/workday/…/", kind)
                if (SAME_FOR_ALL.match(path) or "/workday/…/" in kind) and kind in told:
                    continue
                told.add(kind)
                album.take(person, f"{who} {kind}", looks_of(crawler.account))
            for state in STATES:
                if state.account == crawler.account:
                    person.refusals_expected = True
                    picture_state(album, person, state, places)


def picture_cases(album: Album, browser: Browser, address: str, sessions: dict[str, str]) -> None:
    """The pages of everybody whose case is where no story of the cast stands."""
    for name, session in sessions.items():
        with arrived(browser, address, Crawler("", ())) as person:
            cookie = {"name": "sessionid", "value": session, "url": address}
            person.page.context.add_cookies([cookie])  # type: ignore[list-item]
            for path in pages_of(person, OF_CASES):
                if path in OF_CASES or path.startswith(("/jiebei/", "/relief/")):
                    album.take(person, f"{name} {kind_of(path)}", LOOKS)


def picture_errors(album: Album, browser: Browser, address: str) -> None:
    """The page of each error, for a borrower."""
    from tests.screens.errors import STATUSES

    with arrived(browser, address, Crawler("13800000001", ())) as person:
        person.refusals_expected = True
        for error in (*STATUSES, "forged"):
            person.page.goto(f"/error/{error}/")
            album.take(person, f"error {error}", LOOKS)


def short_of(kind: str) -> str:
    """offer, reject, apply: the last word of an address; the address itself where it has none."""
    if re.search(r"/offers/…/$", kind):
        return "offer"
    if re.search(r"/apply/…/(reason/)?$", kind):
        return "apply"
    found = re.search(r"/(reject|accept)/$", kind)
    return found[1] if found else kind


def picture_state(
    album: Album, person: Person, state: State, places: dict[tuple[str, str], str]
) -> None:
    reached = places.get((state.account, state.at))
    path = reached or (state.at if "…" not in state.at and state.at.startswith("/") else None)
    if path is None:
        sys.stderr.write(f"{state.name}: nobody led to {state.at}\n")
        return
    person.go(path)
    try:
        state.act(person)
    except Error as failed:
        sys.stderr.write(f"{state.name}: {failed.message.splitlines()[0]}\n")
        return
    album.take(person, f"state {state.name}", looks_of(state.account))


# --- Six for README -------------------------------------------------------------------------------------

SHELF = ROOT / ".pictures"  # beside the code, so that README shows it; never served
SIX: tuple[tuple[str, str, tuple[str, ...], Look], ...] = (
    ("jiebei", "13800000003", ("/jiebei/",), LOOKS[0]),
    ("penalty", "13800000003", ("/jiebei/", "/penalty/"), LOOKS[0]),
    ("service", "13800000008", ("/service/",), LOOKS[0]),
    ("offer", "13800000003", ("/relief/", "/relief/", "/offers/"), LOOKS[1]),
    ("repay", "13800000004", ("/jiebei/", "/jiebei/"), LOOKS[4]),
    ("desk", "manager", ("/admin/relief/case/", "/change/"), DESK_LOOKS[0]),
)


def picture_six(browser: Browser, address: str) -> None:
    """Small and few: the first screenful of each, as WebP."""
    SHELF.mkdir(exist_ok=True)
    for name, account, way, look in SIX:
        with arrived(browser, address, Crawler(account, ())) as person:
            person.page.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            wear(person.page, look.size)
            person.go(way[0])
            for part in way[1:]:
                link = person.page.locator(f"main a[href*='{part}'], #content a[href*='{part}']")
                person.go(link.first.get_attribute("href") or "")
            wear(person.page, look.size)
            shot = Image.open(BytesIO(person.page.screenshot(animations="disabled")))
            shot.convert("RGB").save(SHELF / f"{name}.webp", quality=72, method=6)


@contextmanager
def arrived(browser: Browser, address: str, crawler: Crawler) -> Iterator[Person]:
    """A member of the cast at the screen, logged in by the button of the demo."""
    context = browser.new_context(
        base_url=address,
        viewport={"width": 390, "height": WINDOW},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
    )
    context.set_default_timeout(10_000)
    person = Person(context.new_page(), address)
    person.page.clock.set_fixed_time(MOMENT)
    if crawler.account:
        person.go("/demo/")
        person.press(f"以 {crawler.account} 登录：")
    yield person
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=__doc__)
    parser.add_argument("--as", dest="only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--readme", action="store_true", help="the six of README, into .pictures")
    options = parser.parse_args()
    if options.readme:
        with still_site() as address, chromium() as browser:
            picture_six(browser, address)
        return
    shutil.rmtree(INTO, ignore_errors=True)
    INTO.mkdir(parents=True)
    album = Album(INTO)
    with still_site() as address:
        with chromium() as browser:
            picture_all(album, browser, address, options.only)
        # Between two browsers: inside Playwright's loop Django opens no database.
        sessions = {name: someone_in(name) for name in CASES if name in (options.only or CASES)}
        with chromium() as browser:
            picture_cases(album, browser, address, sessions)
            if "errors" in (options.only or ["errors"]):
                picture_errors(album, browser, address)
    album.write_index()
    sys.stdout.write(f"{len(album.screens)} screens: {INTO / 'index.html'}\n")


if __name__ == "__main__":
    main()
