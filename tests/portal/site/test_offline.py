"""The page for when there is no network, and the worker that shows it: public, and of nobody."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse

from tests import factories


def test_the_worker_stands_at_the_root_and_keeps_only_what_is_there(client: Any) -> None:
    answer = client.get("/worker.js")

    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert "no-cache" in answer["Cache-Control"]
    kept = re.findall(r'"(/[\w./-]+)"', answer.text)
    assert kept[0] == reverse("portal:offline")
    files = [path.removeprefix("/static/") for path in kept[1:]]
    assert len(files) == 4
    assert [name for name in files if finders.find(name) is None] == []


def test_the_worker_may_run_and_no_other_host_lends_one(client: Any) -> None:
    assert "worker-src 'self'" in client.get("/login/")["Content-Security-Policy"]


@pytest.mark.django_db
def test_the_page_is_the_same_for_everybody(client: Any) -> None:
    """It is kept by the browser: nothing of a person may stand in it."""
    before = client.get("/offline/").content
    client.force_login(factories.borrower())

    assert client.get("/offline/").content == before
    assert "网络已断开" in before.decode()
