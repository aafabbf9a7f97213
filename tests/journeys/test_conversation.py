"""我的客服 on a bad line: nothing typed is lost, doubled or out of order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.journeys import doings
from tests.journeys.backstage import prepare
from tests.journeys.people import Person
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SEND = "**/service/send/"


def said(person: Person) -> list[str]:
    """What the person said, as the page shows it."""
    return [text.strip() for text in person.page.locator(".msg.me .bub").all_inner_texts()]


def send(person: Person, *texts: str) -> None:
    """Type each and press Enter, as fast as it goes."""
    for text in texts:
        field = person.page.locator("form.composer .tx")
        field.fill(text)
        field.press("Enter")


def test_texts_sent_on_a_bad_line(stack: Stack, arrive: Callable[..., Person]) -> None:
    person = doings.arrive_as(arrive(), prepare(stack, "in_review"))
    person.go("/service/")
    page, field = person.page, person.page.locator("form.composer .tx")
    on_its_way, failed = page.locator(".msg[data-way]"), page.locator(".msg.failed")

    # slow: the next sentence is typed while one is on its way
    page.route(SEND, lambda route: None)  # held until nobody asks for it any more
    send(person, "第一句", "第二句")
    field.fill("第三句，还没写完")
    expect(page.locator(".msg.me .bub").last).to_be_in_viewport()
    assert said(person) == ["第一句", "第二句"]
    page.unroute(SEND)
    expect(on_its_way).to_have_count(0)
    expect(field).to_have_value("第三句，还没写完")
    assert said(person) == ["第一句", "第二句"]

    # cut: it stays with 重试, what comes behind it waits
    person.refusals_expected = True
    page.route(SEND, lambda route: route.abort())
    send(person, "第三句，写完了", "第四句")
    expect(failed).to_contain_text("未发送")
    expect(on_its_way).to_have_count(2)
    page.unroute(SEND)

    # taken by the server, but its answer is lost on the way: sent again, stored once
    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route(SEND, lose, times=1)
    failed.get_by_role("button", name="重试").click()
    expect(failed).to_have_count(0)
    expect(failed).to_have_count(1)
    failed.get_by_role("button", name="重试").click()
    expect(on_its_way).to_have_count(0)

    # refused: it is back in the field, with the reason
    send(person, "字" * 1001)
    expect(page.locator("form.composer .err-msg")).to_contain_text("消息最多 1000 字")
    expect(field).to_have_value("字" * 1001)
    person.refusals_expected = False

    spoken = ["第一句", "第二句", "第三句，写完了", "第四句"]
    assert said(person) == spoken
    person.go("/service/")
    assert said(person) == spoken
