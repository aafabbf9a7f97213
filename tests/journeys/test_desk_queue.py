"""The queue under a person's hands: a refresh brings news and takes nothing away."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.journeys import doings
from tests.journeys.backstage import fill_queue
from tests.journeys.people import Person
from tests.stack import Stack, start_stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Arrive = Callable[..., Person]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A desk of its own: what fills it has no books, which other journeys count."""
    running = start_stack()
    yield running
    running.stop()


def test_a_refresh_leaves_page_search_ticks_filters_and_scroll(
    stack: Stack, arrive: Arrive
) -> None:
    fill_queue(stack, 45)
    staff = arrive(desk=True)
    doings.become(staff, "agent")
    staff.go("/admin/relief/case/?p=2&sort=number")
    page = staff.page
    page.locator("#q").fill("王")
    box = page.locator('#queue-rows input[type="checkbox"]').nth(3)
    ticked = box.get_attribute("id")
    box.check()
    page.locator("aside summary").first.click()  # closes 按截止时间
    page.locator("#q").focus()
    page.evaluate("window.scrollTo(0, 240)")
    fill_queue(stack, 1)  # submitted just now

    with page.expect_response(lambda answer: "seen=" in answer.url) as polled:
        page.evaluate("htmx.trigger('#queue', 'poll')")
    assert polled.value.status == 200
    expect(page.locator("#queue-rows")).to_contain_text("有 1 件新申请")
    expect(page.locator("#live")).to_have_text("有 1 件新申请")

    assert page.locator("#q").input_value() == "王"
    assert page.locator(f"#{ticked}").is_checked()
    assert page.evaluate("document.activeElement.id") == "q"
    assert page.evaluate("window.scrollY") == 240
    assert not page.locator("aside details").first.evaluate("one => one.open")
    expect(page.locator("#queue-rows [aria-current=page]")).to_have_text("2")
    assert page.url.endswith("?p=2&sort=number")
    with page.expect_response(lambda answer: "seen=" in answer.url) as quiet:
        page.evaluate("htmx.trigger('#queue', 'poll')")
    assert quiet.value.status == 204

    staff.press("从最新的看起")
    expect(page).to_have_url(f"{stack.address}/admin/relief/case/?sort=-age")
