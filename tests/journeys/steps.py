"""What people do on the way, in their words; the same with a script and without."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from itertools import count

from playwright.sync_api import expect

from tests.journeys.people import Person

PASSWORD = "kuanxi-demo-2026"
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


def read_code(person: Person, phone: str) -> str:
    """The six digits of the newest SMS on the simulated phone, in a second tab."""
    tab = person.page.context.new_page()
    found: list[str] = []

    def arrived() -> bool:
        tab.goto(f"/demo/?to={phone}")
        found[:] = re.findall(r"验证码[^0-9]*([0-9]{6})", tab.inner_text("#phone"))
        return bool(found)

    until(arrived, what=f"no code for {phone}")
    tab.close()
    return found[0]


def register(person: Person, phone: str, name: str) -> None:
    """Step 1: 注册 with phone and code."""
    person.go("/register/")
    person.fill("手机号", phone)
    person.press("获取验证码")
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
    person.press("获取验证码")
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
