"""A real browser on a real stack: phone for borrowers, desktop for staff, both watched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.journeys.people import Person
from tests.leaks import WATCH
from tests.screens.chromium import chromium
from tests.stack import Stack, start_stack

# What the demo prints for whoever starts it: its cast with the password they share.
WELCOME = re.compile("宽息演示环境已就绪.*?按 Ctrl-C 停止", re.DOTALL)


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """One for all journeys of a process, which come in order: some move its clock."""
    running = start_stack()
    yield running
    WATCH.read("the log of the stack", WELCOME.sub("", running.log()))
    running.stop()
    assert WATCH.take() == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def arrive(stack: Stack, browser: Browser) -> Iterator[Callable[..., Person]]:
    """`arrive(desk=False, script=True)`: somebody new at the site; what went wrong is told at the end."""
    people: list[Person] = []

    def somebody(*, desk: bool = False, script: bool = True) -> Person:
        context = browser.new_context(
            base_url=stack.address,
            viewport={"width": 1280, "height": 800} if desk else {"width": 390, "height": 844},
            java_script_enabled=script,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
        )
        context.set_default_timeout(15_000)
        people.append(Person(context.new_page(), stack.address))
        return people[-1]

    yield somebody
    complaints = [complaint for person in people for complaint in person.complaints]
    for person in people:
        person.page.context.close()
    assert complaints == []
