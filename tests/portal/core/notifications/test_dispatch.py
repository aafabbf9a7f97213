"""Dispatch: once claimed it is ours, quiet at night, and every end can be seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings

from portal.core.models import Delivery, Notice, PhoneTask
from portal.core.notifications import dispatch, hours
from portal.core.notifications.channels.base import SendFailed, SendResult
from portal.core.notifications.outbox import send_login_code
from tests.conftest import at
from tests.portal.core.notifications.conftest import NOON, FakeSms

Say = Callable[..., Notice]
pytestmark = pytest.mark.django_db


def run(now: datetime) -> list[str]:
    return [dispatch.deliver_one(pk, now) for pk in dispatch.claim_due(now, 100)]


def fails(reason: str, *, permanent: bool) -> Callable[[Delivery], SendResult]:
    def answer(row: Delivery) -> SendResult:
        raise SendFailed(reason, permanent=permanent)

    return answer


def test_sent_under_our_own_id(say: Say, provider: FakeSms) -> None:
    say()

    assert run(NOON) == ["submitted"]

    row = Delivery.objects.get()
    assert [reference for reference, _, _ in provider.sent] == [str(row.public_id)]
    assert (row.provider_reference, row.attempts, row.status_label) == ("ref", 1, "已提交")
    assert (row.lease_until, row.submitted_at, row.finished_at) == (None, NOON, None)
    assert run(NOON) == []


def test_simulated_phone_has_it_at_once(say: Say) -> None:
    say()

    with override_settings(SMS_BACKEND="demo"):
        assert run(NOON) == ["delivered"]
    assert Delivery.objects.get().status_label == "已送达"


def test_a_claim_is_exclusive_and_limited(say: Say, provider: FakeSms) -> None:
    for number in range(3):
        say(key=f"greeting:{number}")

    first, second = dispatch.claim_due(NOON, 2), dispatch.claim_due(NOON, 2)

    assert len(first) == 2
    assert len(second) == 1
    assert not set(first) & set(second)
    assert dispatch.claim_due(NOON, 2) == []


def test_dead_worker_is_retaken_after_the_lease(say: Say, provider: FakeSms) -> None:
    say()
    dispatch.claim_due(NOON, 1)

    assert dispatch.release_stuck(NOON + dispatch.LEASE - timedelta(seconds=1)) == 0
    later = NOON + dispatch.LEASE
    assert dispatch.release_stuck(later) == 1
    assert run(later) == ["submitted"]
    assert len(provider.sent) == 1


def test_zombie_cannot_finish_a_retaken_row(say: Say, provider: FakeSms) -> None:
    say()
    later = NOON + dispatch.LEASE

    def dies_and_is_replaced(row: Delivery) -> SendResult:
        provider.answer = lambda row: SendResult(reference="second")
        dispatch.release_stuck(later)
        run(later)
        return SendResult(reference="first")

    provider.answer = dies_and_is_replaced

    assert run(NOON) == [""]
    row = Delivery.objects.get()
    assert (row.provider_reference, row.attempts) == ("second", 1)
    assert len({reference for reference, _, _ in provider.sent}) == 1


def test_temporary_failures_wait_longer_each_time_then_a_call(say: Say, provider: FakeSms) -> None:
    say()
    provider.answer = fails("busy", permanent=False)
    now, waits = NOON, []

    for _ in range(dispatch.MAX_ATTEMPTS - 1):
        assert run(now) == ["pending"]
        row = Delivery.objects.get()
        waits.append((row.next_attempt_at - now).total_seconds())
        now = row.next_attempt_at
        if not hours.may_disturb(now):
            now = hours.next_opening(now)
    assert run(now) == ["failed"]

    assert all(
        0.8 * base.total_seconds() <= wait <= 1.2 * base.total_seconds()
        for base, wait in zip(dispatch.BACK_OFF, waits, strict=True)
    )
    row = Delivery.objects.get(channel="sms")
    assert (row.failure, row.error, row.status_label) == ("temporary", "busy", "未送达")
    call = Delivery.objects.get(channel="phone")
    assert (call.fallback_of, call.notice, call.code) == (row, row.notice, row.code)
    assert run(now) == ["submitted"]
    assert PhoneTask.objects.get().script.endswith(row.text)


def test_permanent_failure_is_visible_at_once(say: Say, provider: FakeSms) -> None:
    say()
    provider.answer = fails("isv.MOBILE_NUMBER_ILLEGAL", permanent=True)

    assert run(NOON) == ["failed"]

    assert Delivery.objects.get(channel="sms").failure == "permanent"
    assert Delivery.objects.filter(channel="phone").count() == 1


def test_no_second_call_for_a_notice_that_is_called_anyway(say: Say, provider: FakeSms) -> None:
    say(channels={"sms", "phone"})
    provider.answer = fails("no such number", permanent=True)

    run(NOON)

    assert Delivery.objects.filter(channel="phone").count() == 1


def test_a_bug_in_a_channel_is_recorded_not_lost(say: Say, provider: FakeSms) -> None:
    say()

    def crash(row: Delivery) -> SendResult:
        raise ZeroDivisionError

    provider.answer = crash

    assert run(NOON) == ["pending"]
    assert Delivery.objects.get().error == "ZeroDivisionError"


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        ("07:59", False),
        ("08:00", True),
        ("21:59", True),
        ("22:00", False),
        ("00:00", False),
    ],
)
def test_quiet_hours_at_the_edges(now: str, allowed: bool) -> None:
    assert hours.may_disturb(at(f"2026-03-02 {now}").astimezone(UTC)) is allowed


def test_quiet_hours_every_minute_of_a_day() -> None:
    start = at("2026-03-02 00:00")
    for minute in range(24 * 60):
        now = start + timedelta(minutes=minute)
        assert hours.may_disturb(now) == (8 * 60 <= minute < 22 * 60)
        opening = hours.next_opening(now)
        assert hours.may_disturb(opening)
        assert now <= opening <= now + timedelta(days=1)


def test_at_night_it_waits_without_losing_an_attempt(say: Say, provider: FakeSms) -> None:
    night = at("2026-03-02 22:30")
    say(now=night)

    assert run(night) == ["pending"]

    row = Delivery.objects.get()
    assert (row.attempts, row.next_attempt_at) == (0, at("2026-03-03 08:00"))
    assert run(at("2026-03-03 08:00")) == ["submitted"]
    assert len(provider.sent) == 1


@pytest.mark.parametrize(("demo", "text_kept"), [(False, False), (True, True)])
def test_login_code_goes_at_night_and_is_not_kept(
    provider: FakeSms, demo: bool, text_kept: bool
) -> None:
    night = at("2026-03-02 23:30")
    with override_settings(DEMO=demo):
        send_login_code(phone="13900000009", key="c:1", digits="123456", minutes=5, now=night)
        assert run(night) == ["submitted"]

    assert "验证码 123456，5 分钟" in provider.sent[0][2]
    assert ("123456" in Delivery.objects.get().text) is text_kept


def test_login_code_too_late_is_not_sent(provider: FakeSms) -> None:
    send_login_code(phone="13900000009", key="c:1", digits="123456", minutes=5, now=NOON)

    assert run(NOON + timedelta(minutes=6)) == ["failed"]

    row = Delivery.objects.get()
    assert (provider.sent, row.text, row.failure) == ([], "", "permanent")
