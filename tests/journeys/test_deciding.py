"""A reviewer decides well in a minute: what is in sight together, and how many clicks it takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import doings
from tests.journeys.backstage import prepare
from tests.journeys.people import Person
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Arrive = Callable[..., Person]
COUNT = "document.addEventListener('click', () => { window.name = +window.name + 1 }, true)"


def count_clicks(page: Page) -> None:
    """From here on, also over a new page of the same window."""
    page.add_init_script(COUNT)
    page.evaluate(COUNT)
    page.evaluate("window.name = '0'")


def clicks(page: Page) -> int:
    return int(page.evaluate("window.name"))


def at_case(staff: Person, number: str) -> None:
    staff.go(f"/admin/relief/case/?q={number}")
    staff.press(number)


def test_inputs_preview_and_send_are_in_sight_together_and_a_case_is_decided_in_six_clicks(
    stack: Stack, arrive: Arrive
) -> None:
    asked = prepare(stack, "negotiating")
    staff = arrive(desk=True)
    doings.become(staff, "agent")
    at_case(staff, asked.number)
    page = staff.page
    count_clicks(page)

    page.locator("#papers a", has_text="查看").first.click()
    staff.settle()
    builder = page.locator("#builder")
    builder.evaluate("form => form.scrollIntoView()")
    builder.locator('[name="term_count"]').fill("9")
    builder.locator('[name="term_count"]').press("Tab")
    staff.settle()
    seen = [
        *builder.locator(".fm .box").all(),
        page.locator("#preview table"),
        page.locator("#send"),
    ]
    assert len(seen) > 7
    for one in (*seen, page.locator(".chd")):
        expect(one).to_be_in_viewport(ratio=1)

    page.locator("#send").get_by_role("button", name="发送方案").click()
    staff.settle()
    staff.sees("方案已发给借款人")
    assert clicks(page) <= 6


def test_a_message_is_answered_with_one_click_and_enter(stack: Stack, arrive: Arrive) -> None:
    asked = prepare(stack, "in_review")
    staff = arrive(desk=True)
    doings.become(staff, "agent")
    at_case(staff, asked.number)
    page = staff.page
    count_clicks(page)

    field = page.locator("#reply textarea")
    field.click()
    page.keyboard.type("您好，")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("材料已收到。")
    assert field.input_value() == "您好，\n材料已收到。"
    page.keyboard.press("Enter")

    expect(page.locator("#talk .bub", has_text="材料已收到")).to_have_count(1)
    expect(field).to_have_value("")
    assert clicks(page) <= 1
    page.keyboard.press("Enter")  # nothing typed, nothing sent
    staff.settle()
    expect(page.locator("#talk .msg.me", has_text="请先输入")).to_have_count(0)


def test_an_offer_is_approved_in_three_clicks(stack: Stack, arrive: Arrive) -> None:
    asked = prepare(stack, "negotiating")
    staff = arrive(desk=True)
    doings.become(staff, "agent")
    at_case(staff, asked.number)
    doings.compose(staff, penalty_percent="80", term_count="9")
    staff.sees("已提交复核")
    doings.become(staff, "supervisor")
    at_case(staff, asked.number)
    page = staff.page
    count_clicks(page)

    fold = page.locator("#act-approve")
    fold.locator("summary").click()
    fold.get_by_role("button", name="复核通过并发送").click()
    staff.settle()

    staff.sees("复核通过，方案已发给借款人")
    assert clicks(page) <= 3
