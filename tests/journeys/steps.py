"""What people do on the way, in their words; the same with a script and without."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import date, datetime
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, expect

from tests.journeys.people import Person

PASSWORD = "kuanxi-demo-2026"
SEEN: set[str] = set()  # codes already read
ASKED: dict[str, float] = {}  # when a code was last asked for, by phone
_serial = count(int(time.time()) % 10_000_000)


def new_phone() -> str:
    """A number nobody has used in this run."""
    return f"137{next(_serial):08d}"


def until(true: Callable[[], bool], *, seconds: float = 30, what: str = "") -> None:
    """Wait for the worker: look again and again, give up with a sentence."""
    give_up = time.monotonic() + seconds
    while not true():
        if time.monotonic() > give_up:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.5)


def ask_for_code(phone: str, press: Callable[[], None]) -> None:
    """Press 获取验证码, not within a minute of the last time: the site refuses that."""
    wait = ASKED.get(phone, 0.0) + 61 - time.monotonic()
    time.sleep(max(0.0, wait))
    press()
    ASKED[phone] = time.monotonic()


def read_code(person: Person, phone: str) -> str:
    """The six digits of the newest SMS on the simulated phone, in a second tab."""
    tab = person.page.context.new_page()
    found: list[str] = []

    def arrived() -> bool:
        tab.goto(f"/demo/?to={phone}")
        digits = re.findall(r"验证码[^0-9]*([0-9]{6})", tab.inner_text("#phone"))
        found[:] = [code for code in digits if code not in SEEN]
        return bool(found)

    until(arrived, what=f"no code for {phone}")
    tab.close()
    SEEN.update(found)
    return found[0]


def register(person: Person, phone: str, name: str) -> None:
    """Step 1: 注册 with phone and code."""
    person.go("/register/")
    person.fill("手机号", phone)
    ask_for_code(phone, lambda: person.press("获取验证码"))
    person.sees("验证码已发送至")
    person.fill("短信验证码", read_code(person, phone))
    person.fill("姓名", name)
    person.page.locator('input[name="password"]').fill(PASSWORD)
    person.page.locator('input[name="agree"]').check()
    person.press("注册", exact=True)
    expect(person.page).to_have_url(re.compile("/me/$"))


def log_out(person: Person) -> None:
    """退出, from 设置."""
    person.go("/me/settings/")
    person.press("退出登录")
    expect(person.page).to_have_url(re.compile("/login/"))


def log_in_by_code(person: Person, phone: str) -> None:
    """登录 by SMS code."""
    person.go("/login/?by=code")
    person.fill("手机号", phone)
    ask_for_code(phone, lambda: person.press("获取验证码"))
    person.fill("短信验证码", read_code(person, phone))
    person.page.locator('input[name="agree"]').check()
    person.press("登录", exact=True)
    expect(person.page).to_have_url(re.compile("/me/$"))


def log_in_by_password(person: Person, phone: str) -> None:
    """登录 by password."""
    person.go("/login/?by=password")
    person.fill("手机号", phone)
    person.page.locator('input[name="password"]').fill(PASSWORD)
    person.page.locator('input[name="agree"]').check()
    person.press("登录", exact=True)
    expect(person.page).to_have_url(re.compile("/me/$"))


def take_sample_loan(person: Person) -> None:
    """The demo lends an overdue sample loan to somebody who has none."""
    person.go("/jiebei/")
    person.press("领取一笔演示借款")


def look_at_penalty(person: Person) -> str:
    """Step 2 and 3: 我的 → 借呗 → 查看罚息; the loan's id."""
    person.go("/me/")
    person.page.locator("main").get_by_role("link", name="借呗").first.click()
    person.settle()
    person.press("查看罚息")
    parts = [float(mark) for mark in marks(person, "penalty-instalment")]
    assert round(sum(parts), 2) == float(person.figure("penalty-total")) > 0
    person.sees("计收规则")
    return person.page.url.split("/jiebei/")[1].split("/")[0]


def marks(person: Person, name: str) -> list[str]:
    """All values of a money mark, once for each instalment."""
    found = person.page.locator(f'main data[data-field="{name}"]')
    seen = {
        (mark.get_attribute("data-instalment"), mark.get_attribute("value")) for mark in found.all()
    }
    return [value or "" for _, value in sorted(seen, key=str)]


def move_clock(reviewer: Person, day: str) -> None:
    """The demo's clock, forward to 09:00 of a day; the sweeps then due are run by the worker."""
    reviewer.go("/demo/")
    reviewer.page.locator('input[name="date"]').fill(day)
    reviewer.press("前往")


def today(reviewer: Person) -> date:
    """The demo's business date."""
    reviewer.go("/demo/")
    shown = reviewer.page.locator("#clock time").first.get_attribute("datetime") or ""
    return datetime.fromisoformat(shown).astimezone(ZoneInfo("Asia/Shanghai")).date()


def ask_for_relief(person: Person) -> None:
    """Step 4: 联系客服, where the bot leads to the application."""
    person.go("/service/")
    person.press("申请罚息减免")
    person.press("开始申请")


def fill_application(person: Person, photo: Path, paper: Path) -> str:
    """The five steps, with a real JPEG and a real PDF; the case's id."""
    page = person.page
    page.locator('input[name="reasons"][value="illness"]').check()
    person.press("下一步")
    page.locator('textarea[name="statement"]').fill(
        "上月住院手术，休病假两个月，收入只剩基本工资，下月恢复上班。"
    )
    person.press("下一步")
    upload(person, "medical", photo)
    upload(person, "income", paper)
    person.press("下一步")
    for name, amount in (
        ("income_before", "8,200"),
        ("monthly_income", "４６００．００"),
        ("monthly_spending", "¥3100"),
        ("affordable_payment", "1500元"),
    ):
        page.locator(f'input[name="{name}"]').fill(amount)
    person.press("下一步")
    person.sees("4,600.00")
    page.locator('input[name="agree"]').check()
    person.press("确认提交")
    person.sees("申请已提交")
    assert page.locator('[data-field="review-deadline"]').count() == 1
    person.press("查看申请进度")
    return page.url.split("/relief/")[1].split("/")[0]


def upload(person: Person, kind: str, path: Path) -> None:
    """One file: chosen and sent; then the worker's check is waited for."""
    page = person.page
    form = page.locator("#upload")
    form.locator('select[name="kind"]').select_option(kind)
    consent = form.locator(f'input[name="consent"][value="{kind}"]')
    if consent.count():
        consent.check()
    plain = page.locator("#plain-file")
    if plain.is_visible():
        plain.set_input_files(path)
        person.press("上传", exact=True)
    else:
        page.locator("#pick-file").set_input_files(path)

    def passed() -> bool:
        if plain.is_visible():
            page.reload()
        line = page.locator("#files li", has_text=path.name)
        return line.count() > 0 and "已通过检查" in line.first.inner_text()

    until(passed, what=f"{path.name} checked")


def open_at_desk(staff: Person, name: str, number: str) -> None:
    """A member of staff logs in at the desk and opens a case."""
    staff.go("/admin/login/")
    staff.page.locator('input[name="username"]').fill(name)
    staff.page.locator('input[name="password"]').fill(PASSWORD)
    staff.page.locator('main [type="submit"], form [type="submit"]').first.click()
    staff.settle()
    staff.go(f"/admin/relief/case/?q={number}")
    staff.press(number)


def act(staff: Person, slug: str, **values: str) -> None:
    """One act of the desk: unfold it, fill its fields, press its button."""
    fold = staff.page.locator(f"#act-{slug}")
    if not fold.get_attribute("open") and fold.get_attribute("open") != "":
        fold.locator("summary").click()
    for name, value in values.items():
        field = fold.locator(f'[name="{name}"]')
        kind = field.first.get_attribute("type")
        if kind == "checkbox":
            fold.locator(f'[name="{name}"][value="{value}"]').check()
        elif field.first.evaluate("e => e.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    say_why_unread(fold)
    fold.locator("form button").last.click()
    staff.settle()


def say_why_unread(form: Locator) -> None:
    """The reason for which the desk asks whoever has not opened every file."""
    reason = form.locator('[name="unread_reason"]')
    if reason.count():
        reason.fill("原件已由同事核对。")


def compose_offer(staff: Person, *, percent: str, terms: str) -> None:
    """The builder: percent of the penalty, terms, a preview, and out it goes."""
    builder = staff.page.locator("#builder")
    builder.locator("label", has=staff.page.locator('[name="by"][value="percent"]')).click()
    builder.locator('input[name="penalty_percent"]').fill(percent)
    builder.locator('input[name="term_count"]').fill(terms)
    builder.locator('textarea[name="note"]').fill("按你的情况减免一半罚息，并延长期数。")
    say_why_unread(builder)
    builder.get_by_role("button", name="试算", exact=True).last.click()
    staff.settle()
    staff.page.locator("#send").get_by_role("button").last.click()
    staff.settle()


def accept_offer(person: Person, case: str, phone: str) -> None:
    """Step 6: read the offer, wait until it may be signed, tick twice, sign by SMS code."""
    person.go(f"/relief/{case}/")
    person.press("查看方案")
    time.sleep(10.5)  # forced reading, checked by the server
    person.press("接受方案")
    form = person.page.locator("#accept-form")
    ask_for_code(phone, form.get_by_role("button", name="获取验证码").click)
    person.settle()
    code = read_code(person, phone)
    form.locator('input[name="agree"]').check()
    form.locator('input[name="know"]').check()
    form.locator('input[name="code"]').fill(code)
    form.get_by_role("button", name="确认接受").locator("visible=true").last.click()
    person.settle()
    person.sees("协议已生效")


def repay_what_is_due(person: Person, loan: str) -> dict[str, str]:
    """Step 8: the split before paying and on the receipt are the same."""
    person.go(f"/jiebei/{loan}/repay/")
    names = ("split-penalty", "split-interest", "split-principal")
    before = {name: person.figure(name) for name in names}
    person.press("确认还款")
    person.sees("还款成功")
    assert {name: person.figure(name) for name in names} == before
    return before


def wait_for_sms(reviewer: Person, phone: str, words: str) -> None:
    """The worker has put an SMS with these words on the simulated phone."""

    def arrived() -> bool:
        reviewer.go(f"/demo/?to={phone}")
        return words in reviewer.page.inner_text("#phone")

    until(arrived, seconds=60, what=f"SMS with {words}")


def download(person: Person, path: str, begins: bytes) -> None:
    """A file of the person's own, by its first bytes."""
    answer = person.page.request.get(path)
    assert answer.status == 200, f"{answer.status} {path}"
    assert answer.body().startswith(begins)


def first_due(person: Person) -> date:
    """The date of the plan's first instalment, from the loan's page."""
    day = person.page.locator("main ol time, main ul time, main table time").first
    return date.fromisoformat((day.get_attribute("datetime") or "")[:10])
