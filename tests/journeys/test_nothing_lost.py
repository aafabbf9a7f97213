"""A session that ends, a lost network, a double click and a reload, each over a page of its kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys import doings
from tests.journeys.backstage import Prepared, prepare
from tests.journeys.people import Person
from tests.journeys.steps import PASSWORD
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]
OFFLINE = "网络已断开，你填写的内容还在。"


def end_session(person: Person) -> None:
    person.page.context.clear_cookies(name="sessionid")


def sign_in_over_page(person: Person, phone: str) -> None:
    """By password, in the sheet 登录已失效."""
    sheet = person.page.locator("#signed-out")
    expect(sheet).to_be_visible()
    expect(sheet).to_contain_text("已填写的内容会保留")
    sheet.get_by_role("link", name="密码登录").click()
    sheet.locator("[name=password]").fill(PASSWORD)
    sheet.locator("[name=phone]").fill(phone)
    sheet.locator("[name=agree]").check()
    sheet.get_by_role("button", name="登录", exact=True).click()
    expect(sheet).not_to_be_visible()


def test_the_conversation_goes_on_over_its_page(
    stack: Stack, arrive: Callable[..., Person]
) -> None:
    who = prepare(stack, "in_review")
    person = doings.arrive_as(arrive(), who)
    person.go("/service/")
    page, field = person.page, person.page.locator("form.composer .tx")
    field.press_sequentially("我住院三周")
    expect(page.locator(".draft")).to_contain_text("已保存")
    page.reload()
    expect(field).to_have_value("我住院三周")

    person.refusals_expected = True
    end_session(person)
    field.press("Enter")
    sign_in_over_page(person, who.phone)

    expect(page.locator(".msg[data-way]")).to_have_count(0)
    person.refusals_expected = False
    person.go("/service/")
    assert page.locator(".msg.me .bub").all_inner_texts() == ["我住院三周"]
    expect(field).to_have_value("")


def test_a_plain_form_goes_on_over_its_page(stack: Stack, arrive: Callable[..., Person]) -> None:
    who = prepare(stack, "offered")
    person = doings.arrive_as(arrive(), who)
    page = person.page
    person.go(f"/relief/{who.case}/offers/1/reject/")
    note = page.locator("#counter-form [name=note]")
    note.fill("请再减一点")
    expect(page.locator("#counter-form .draft")).to_contain_text("已保存")

    person.refusals_expected = True
    page.context.set_offline(True)
    page.get_by_role("button", name="提交建议").click()
    expect(page.locator("#toast")).to_contain_text(OFFLINE)
    page.get_by_role("link", name="返回方案").click()
    expect(page.locator("#toast")).to_contain_text(OFFLINE)
    expect(note).to_have_value("请再减一点")
    page.context.set_offline(False)

    # a plain form asks first whether it would be taken; pressed twice it is sent once
    person.go("/me/settings/security/")
    leave = page.get_by_role("button", name="全部退出（含本机）")
    page.context.set_offline(True)
    leave.click()
    expect(page.locator("#toast")).to_contain_text(OFFLINE)
    page.context.set_offline(False)
    end_session(person)
    leave.dblclick()
    sign_in_over_page(person, who.phone)
    page.wait_for_url("**/login/**")
    person.refusals_expected = False


def test_another_person_does_not_get_the_page(stack: Stack, arrive: Callable[..., Person]) -> None:
    who: Prepared = prepare(stack, "offered")
    other = prepare(stack, "in_review")
    person = doings.arrive_as(arrive(), who)
    person.go("/service/")
    person.refusals_expected = True
    end_session(person)
    person.page.locator("form.composer .tx").fill("只有我能说")
    person.page.locator("form.composer .tx").press("Enter")
    sheet = person.page.locator("#signed-out")
    sheet.get_by_role("link", name="密码登录").click()
    sheet.locator("[name=password]").fill(PASSWORD)
    sheet.locator("[name=phone]").fill(other.phone)
    sheet.locator("[name=agree]").check()
    sheet.get_by_role("button", name="登录", exact=True).click()

    person.page.wait_for_url("**/me/")
    person.go("/service/")
    expect(person.page.locator("body")).not_to_contain_text("只有我能说")


def test_a_page_reloaded_offline_says_so_and_comes_back(
    stack: Stack, arrive: Callable[..., Person]
) -> None:
    """The worker answers at the page's own address; what was saved is there when the page is."""
    who = prepare(stack, "offered")
    person = doings.arrive_as(arrive(), who)
    page = person.page
    person.go(f"/relief/{who.case}/offers/1/reject/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.locator("#counter-form [name=note]").fill("请再减一点")
    expect(page.locator("#counter-form .draft")).to_contain_text("已保存")

    person.refusals_expected = True
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("h1")).to_have_text("网络已断开")
    assert page.url.endswith(f"/relief/{who.case}/offers/1/reject/")
    page.context.set_offline(False)

    note = page.locator("#counter-form [name=note]")
    expect(note).to_have_value("请再减一点", timeout=30_000)  # it tries every ten seconds
    kept = page.evaluate(
        "caches.keys().then(names => Promise.all(names.map(name => caches.open(name)"
        ".then(kept => kept.keys())))).then(all => all.flat().map(asked => new URL(asked.url).pathname))"
    )
    assert "/offline/" in kept
    assert [path for path in kept if path != "/offline/" and not path.startswith("/static/")] == []
    person.refusals_expected = False
