"""The desk asks twice: enrol, log in by code and by passkey, lose the device, approve with a fresh factor."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, expect

from tests.authenticator import STEP, App, recovery_codes
from tests.journeys import doings, steps
from tests.journeys.backstage import prepare
from tests.journeys.people import Person
from tests.stack import Stack, start_stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Arrive = Callable[..., Person]
SEND = 6  # s from reading a code to its arrival, on a loaded machine
NOTE = "材料齐全，“九成”依据充分 & 同意。"


@pytest.fixture(scope="module")
def asking() -> Iterator[Stack]:
    """A demo that asks its staff for a second factor, each minute anew, at a name that has passkeys."""
    running = start_stack(STAFF_FACTOR="1", STEP_UP_MINUTES="1")
    yield replace(running, address=running.address.replace("127.0.0.1", "localhost"))
    running.stop()


@pytest.fixture
def come(asking: Stack, browser: Browser) -> Iterator[Arrive]:
    """`come(desk=True, script=True, key=False)`: somebody new, with a security key where asked."""
    people: list[Person] = []

    def somebody(*, desk: bool = True, script: bool = True, key: bool = False) -> Person:
        context = browser.new_context(
            base_url=asking.address,
            viewport={"width": 1280, "height": 800} if desk else {"width": 390, "height": 844},
            java_script_enabled=script,
            locale="zh-CN",
        )
        context.set_default_timeout(15_000)
        person = Person(context.new_page(), asking.address)
        people.append(person)
        if key:
            devices = context.new_cdp_session(person.page)
            devices.send("WebAuthn.enable")
            options = {
                **{"protocol": "ctap2", "transport": "internal", "hasResidentKey": True},
                **{"hasUserVerification": True, "isUserVerified": True},
                "automaticPresenceSimulation": True,
            }
            devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return person

    yield somebody
    complaints = [complaint for person in people for complaint in person.complaints]
    for person in people:
        person.page.context.close()
    assert complaints == []


def give_password(staff: Person, account: str) -> None:
    """User name and password at the desk's login."""
    staff.go("/admin/login/")
    staff.page.locator('input[name="username"]').fill(account)
    staff.page.locator('input[name="password"]').fill(steps.PASSWORD)
    staff.page.locator('#login-form [type="submit"]').click()
    staff.settle()


def enrol(staff: Person) -> tuple[App, list[str]]:
    """Bind an app on the page that is open; the recovery codes that come then."""
    app = App.from_page(staff.page.content())
    if STEP - time.time() % STEP < SEND:  # the code of before is taken no more once this step ends
        next_code(app)
    staff.fill("动态码", app.code(steps=-1))
    staff.press("绑定", exact=True)
    staff.sees("离开本页后无法再次查看")
    codes = recovery_codes(staff.page.content())
    staff.press("已保存，继续")
    return app, codes


def give_code(staff: Person, button: str, code: str) -> None:
    staff.fill("动态码", code)
    staff.press(button, exact=True)


def log_out(staff: Person) -> None:
    staff.page.locator("#logout-form button").click()
    staff.settle()


def next_code(app: App) -> str:
    """The code of the next half minute, as soon as it shows: no code counts twice."""
    time.sleep(STEP - time.time() % STEP + 0.5)
    return app.code()


@pytest.mark.parametrize(("script", "account"), [(True, "manager"), (False, "auditor")])
def test_enrol_log_in_lose_the_device_and_recover(come: Arrive, script: bool, account: str) -> None:
    staff = come(script=script)
    give_password(staff, account)
    staff.sees("首次登录请先绑定")
    expect(staff.page.locator("svg.qr path")).to_have_count(1)
    lost, codes = enrol(staff)
    expect(staff.page).to_have_url(re.compile("/admin/$"))
    log_out(staff)

    give_password(staff, account)
    give_code(staff, "登录", lost.code())
    expect(staff.page).to_have_url(re.compile("/admin/$"))
    log_out(staff)

    give_password(staff, account)
    give_code(staff, "登录", codes[0])
    staff.sees("还剩 9 个")
    staff.press("双重验证")
    staff.press("更换验证器")
    new, _ = enrol(staff)
    log_out(staff)

    give_password(staff, account)
    give_code(staff, "登录", new.code())
    expect(staff.page).to_have_url(re.compile("/admin/$"))


def test_an_approval_goes_on_after_the_step_up(asking: Stack, come: Arrive) -> None:
    who = prepare(asking, "negotiating")
    agent, boss = come(), come()
    give_password(boss, "supervisor")
    app, _ = enrol(boss)
    given = time.monotonic()
    give_password(agent, "agent")
    enrol(agent)
    agent.go(f"/admin/relief/case/?q={who.number}")
    agent.press(who.number)
    doings.compose(agent, penalty_percent="90", term_count="12", note="情况特殊，减免九成。")
    assert agent.state() == "AWAITING_APPROVAL"

    boss.go(f"/admin/relief/case/?q={who.number}")
    boss.press(who.number)
    time.sleep(max(0.0, given + 61 - time.monotonic()))
    steps.act(boss, "approve", note=NOTE)
    boss.sees("你填写的内容已经保留")
    assert boss.page.locator("section h2").inner_text() == "复核通过并发送方案"
    give_code(boss, "确认并继续", next_code(app))

    assert boss.state() == "OFFERED"
    boss.sees(NOTE)
    doings.books_are_whole(asking)


def test_staff_log_in_with_a_passkey(come: Arrive) -> None:
    staff = come(key=True)
    give_password(staff, "agent2")
    enrol(staff)
    staff.go("/admin/factor/passkeys/")
    staff.fill("名称", "工作电脑")
    staff.press("添加", exact=True)
    staff.sees("通行密钥已添加")
    log_out(staff)

    give_password(staff, "agent2")
    staff.press("用通行密钥登录")

    expect(staff.page).to_have_url(re.compile("/admin/$"))


def test_a_borrower_logs_in_with_a_passkey_and_can_do_without(come: Arrive) -> None:
    person = come(desk=False, key=True)
    steps.log_in_by_password(person, "13800000007")
    person.go("/me/settings/")
    person.press("通行密钥")
    person.fill("登录密码", steps.PASSWORD)
    person.press("下一步")
    person.fill("名称", "我的手机")
    person.press("添加通行密钥")
    person.sees("通行密钥已添加")
    steps.log_out(person)

    person.go("/login/?by=passkey")
    person.press("用通行密钥登录")
    expect(person.page).to_have_url(re.compile("/me/$"))

    plain = come(desk=False, script=False)
    plain.go("/login/?by=passkey")
    plain.sees("请用验证码或密码登录")
    assert plain.page.get_by_role("button", name="用通行密钥登录").count() == 0
