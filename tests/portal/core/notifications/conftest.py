"""Texts, people and a channel of the tests' own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from portal.core.models import Delivery, Notice, User
from portal.core.notifications.channels import sms
from portal.core.notifications.channels.base import SendResult
from portal.core.notifications.outbox import notify
from tests.conftest import at
from tests.portal.core.notifications import aliyun_stub
from tests.portal.people import lin

NOON = at("2026-03-02 12:00")


@dataclass
class FakeSms:
    """Remembers what was sent; does what `answer` says."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    answer: Callable[[Delivery], SendResult] = lambda row: SendResult(reference="ref")

    def send(self, delivery: Delivery, *, now: datetime) -> SendResult:
        self.sent.append((str(delivery.public_id), delivery.to, delivery.text))
        return self.answer(delivery)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> FakeSms:
    fake = FakeSms()
    monkeypatch.setattr(sms, "adapter", lambda: fake)
    return fake


@pytest.fixture(autouse=True)
def texts(tmp_path: Path) -> Iterator[None]:
    """Templates of an event called `greeting`."""
    folder = tmp_path / "notifications"
    folder.mkdir()
    (folder / "greeting.in_app.txt").write_text("您好 {{ who }}\n这是第一行。\n核对码 {{ code }}\n")
    (folder / "greeting.sms.txt").write_text("您有一条新消息，\n请登录查看{{ who }}。\n")
    (folder / "greeting.phone.txt").write_text("您好，请登录查看。\n")
    templates = deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"] = [tmp_path, *templates[0]["DIRS"]]
    with override_settings(TEMPLATES=templates):
        yield


@pytest.fixture
def user(db: Any) -> User:
    return lin()


@pytest.fixture
def say(user: User) -> Callable[..., Notice]:
    """notify() with everything filled in."""

    def call(**changes: Any) -> Notice:
        values: dict[str, Any] = {
            "event": "greeting",
            "key": "greeting:1",
            "user": user,
            "channels": {"sms"},
            "context": {"who": "<林&>"},
            "about": "case:k7q2m9x4tzbd",
            "link": "/me/",
            "now": NOON,
        }
        return notify(**(values | changes))

    return call


@pytest.fixture
def stub() -> Iterator[aliyun_stub.Stub]:
    """SMS_BACKEND=aliyun, and Aliyun is on loopback."""
    with (
        aliyun_stub.running() as running,
        override_settings(
            SMS_BACKEND="aliyun",
            SMS_SIGNATURE="宽息",
            ALIYUN_SMS_KEY_ID=aliyun_stub.KEY_ID,
            ALIYUN_SMS_KEY_SECRET=aliyun_stub.KEY_SECRET,
            ALIYUN_SMS_TEMPLATE="SMS_0001",
            ALIYUN_SMS_ENDPOINT=f"http://127.0.0.1:{running.port}",
        ),
    ):
        sms._adapters.pop("aliyun", None)
        yield running
        sms._adapters.pop("aliyun", None)
