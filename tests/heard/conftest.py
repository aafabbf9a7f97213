"""A browser for each module, and windows that close behind each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import connections
from playwright.sync_api import Browser

from tests.heard.window import Window, open_window
from tests.screens.chromium import chromium

OpenWindow = Callable[..., Window]


@pytest.fixture(scope="module")
def browser(django_db_setup: None) -> Iterator[Browser]:
    """Started after the database is made: inside Playwright's loop, connections are others."""
    with pytest.MonkeyPatch.context() as patch, chromium() as running:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread
        yield running
        connections.close_all()  # those of the loop


@pytest.fixture
def window_of(browser: Browser) -> Iterator[OpenWindow]:
    """`window_of(user, desk=False)`; what went wrong in a window is told at the end."""
    windows: list[Window] = []

    def opened(*args: object, **kwargs: object) -> Window:
        windows.append(open_window(browser, *args, **kwargs))  # type: ignore[arg-type]
        return windows[-1]

    yield opened
    complaints = [complaint for window in windows for complaint in window.complaints]
    for window in windows:
        window.page.context.close()
    assert complaints == []
