"""notify(): rows in the caller's transaction, once per key, with the words already fixed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction
from django.template import TemplateDoesNotExist

from portal.core.models import Delivery, Notice, User
from portal.core.notifications import outbox
from tests.portal.core.notifications.conftest import NOON

Say = Callable[..., Notice]
pytestmark = pytest.mark.django_db


def test_notice_and_delivery_carry_the_same_code(say: Say, user: User) -> None:
    notice = say()

    delivery = Delivery.objects.get()
    assert (notice.title, notice.body) == ("您好 <林&>", f"这是第一行。\n核对码 {notice.code}")
    assert delivery.text == f"【宽息】您有一条新消息， 请登录查看<林&>。（核对码 {notice.code}）"
    assert (delivery.code, delivery.to, delivery.notice) == (notice.code, user.phone, notice)
    assert (delivery.status_label, delivery.next_attempt_at) == ("待发送", NOON)
    assert Notice.objects.for_user(user).unread().count() == 1


def test_twice_is_once(say: Say) -> None:
    first = say(channels={"sms", "phone"})
    again = say(channels={"sms", "phone"}, context={"who": "别人"})

    assert again == first
    assert again.title == "您好 <林&>"
    assert list(Delivery.objects.order_by("key").values_list("key", "channel")) == [
        ("greeting:1:phone", "phone"),
        ("greeting:1:sms", "sms"),
    ]


def test_rolled_back_with_what_it_tells(say: Say) -> None:
    def say_and_fail() -> None:
        with transaction.atomic():
            say()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        say_and_fail()

    assert not Notice.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(("mandatory", "channels"), [(False, ["phone"]), (True, ["phone", "sms"])])
def test_switched_off_messages(say: Say, user: User, mandatory: bool, channels: list[str]) -> None:
    user.sms_enabled = False
    user.save()

    say(channels={"sms", "phone"}, mandatory=mandatory)

    assert sorted(Delivery.objects.values_list("channel", flat=True)) == channels


def test_staff_without_a_phone_read_it_in_the_app(say: Say) -> None:
    staff = User.objects.create_staff("wen", "温明", rank="REVIEWER")

    say(user=staff)

    assert Notice.objects.for_user(staff).count() == 1
    assert not Delivery.objects.exists()


def test_unknown_channel_or_event_writes_nothing(say: Say) -> None:
    with pytest.raises(ValueError, match="telegram"):
        say(channels={"telegram"})
    with pytest.raises(TemplateDoesNotExist):
        say(event="nothing_of_the_kind")
    assert not Notice.objects.exists()


def test_commit_nudges_the_task(
    say: Say, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Callable
) -> None:
    sent: list[str] = []
    monkeypatch.setattr("portal.core.nudge._send", lambda task, args: sent.append(task))

    with django_capture_on_commit_callbacks(execute=True):
        say()
        say(key="greeting:2", channels=())

    assert sent == [outbox.DELIVER]
