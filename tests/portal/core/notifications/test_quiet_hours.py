"""G17: each minute of a day × channels × retries; nothing goes out at night but login codes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest

from portal.core.errors import RuleViolation
from portal.core.models import Delivery, Notice, PhoneTask, User
from portal.core.notifications import calls, dispatch, hours
from portal.core.notifications.channels.base import SendFailed, SendResult
from portal.core.notifications.outbox import send_login_code
from tests.conftest import at
from tests.portal.core.notifications.conftest import NOON, FakeSms

Say = Callable[..., Notice]
pytestmark = pytest.mark.django_db
MIDNIGHT = at("2026-03-02 00:00")
ATTEMPTS = (0, 1, 4, 7)  # first, after a failure, on the way, the last one


def run(now: Any) -> list[str]:
    return [dispatch.deliver_one(pk, now) for pk in dispatch.claim_due(now, 100)]


def is_open(minute: int) -> bool:
    return 8 * 60 <= minute < 22 * 60


@pytest.mark.parametrize("attempts", ATTEMPTS)
@pytest.mark.parametrize("channel", ["sms", "phone"])
def test_every_minute_of_a_day(say: Say, provider: FakeSms, channel: str, attempts: int) -> None:
    """One row, offered to dispatch at each minute as a first or a later attempt."""
    say(channels={channel}, now=MIDNIGHT)
    row = Delivery.objects.get()
    mine = Delivery.objects.filter(pk=row.pk)
    tasks = 0
    for minute in range(24 * 60):
        now = MIDNIGHT + timedelta(minutes=minute)
        lease = now + dispatch.LEASE
        mine.update(status="claimed", attempts=attempts, lease_until=lease, submitted_at=None)
        before = len(provider.sent)

        ended = dispatch.deliver_one(row.pk, now)

        if is_open(minute):
            assert ended == "submitted", minute
            tasks = 1 if channel == "phone" else 0
            assert len(provider.sent) - before + tasks == 1
        else:
            assert (ended, len(provider.sent)) == ("pending", before), minute
            again = mine.values_list("attempts", "next_attempt_at").get()
            assert again == (attempts, hours.next_opening(now))
            assert tasks or not PhoneTask.objects.exists()
    assert PhoneTask.objects.count() == tasks


def test_every_minute_for_login_codes(provider: FakeSms) -> None:
    """Somebody who logs in at night gets the code at night."""
    send_login_code(phone="13900000009", key="c:1", digits="123456", minutes=5, now=MIDNIGHT)
    row = Delivery.objects.get()
    for minute in range(24 * 60):
        now = MIDNIGHT + timedelta(minutes=minute)
        values = {"status": "claimed", "lease_until": now + dispatch.LEASE, "created_at": now}
        Delivery.objects.filter(pk=row.pk).update(**values)
        assert dispatch.deliver_one(row.pk, now) == "submitted", minute
    assert len(provider.sent) == 24 * 60


@pytest.mark.parametrize("wish", [(8, 22), (12, 13)])
def test_every_minute_for_the_caller(say: Say, user: User, wish: tuple[int, int]) -> None:
    """Staff may dial within the borrower's hours, never outside 08:00–22:00."""
    opens, closes = wish
    User.objects.filter(pk=user.pk).update(call_from=time(opens), call_to=time(closes))
    say(channels={"phone"})
    run(NOON)
    task = PhoneTask.objects.select_related("delivery__user").get()

    for minute in range(24 * 60):
        now = MIDNIGHT + timedelta(minutes=minute)
        wanted = opens * 60 <= minute < closes * 60
        if wanted:
            calls.check_may_call(task=task, now=now)
        else:
            with pytest.raises(RuleViolation) as refusal:
                calls.check_may_call(task=task, now=now)
            assert refusal.value.code == ("call-window" if is_open(minute) else "quiet-hours")
        said = calls.when_to_call(task.delivery.user, calls=0, now=now)
        assert (said == "") == wanted, minute


@pytest.mark.parametrize("last", ["22:00", "22:01", "23:59"])
def test_a_notice_of_new_years_eve_waits_for_the_morning(
    say: Say, provider: FakeSms, last: str
) -> None:
    say(now=at(f"2026-12-31 {last}"))

    assert run(at(f"2026-12-31 {last}")) == ["pending"]
    assert run(at("2027-01-01 00:00")) == run(at("2027-01-01 07:59")) == []
    assert run(at("2027-01-01 08:00")) == ["submitted"]


@pytest.mark.parametrize("start", ["20:00", "21:20", "21:59", "06:00"])
def test_retries_of_a_broken_evening_never_ring_at_night(
    say: Say, provider: FakeSms, start: str
) -> None:
    """Every attempt and the call that follows at last, with jitter, from the evening on."""

    def refuse(row: Delivery) -> SendResult:
        raise SendFailed("busy", permanent=False)

    provider.answer = refuse
    now = at(f"2026-03-02 {start}")
    say(now=now)
    tried = []
    while Delivery.objects.filter(status="pending").exists():
        now = min(
            Delivery.objects.filter(status="pending").values_list("next_attempt_at", flat=True)
        )
        before = len(provider.sent) + PhoneTask.objects.count()
        run(now)
        if len(provider.sent) + PhoneTask.objects.count() > before:
            tried.append(now)

    assert len(provider.sent) == dispatch.MAX_ATTEMPTS
    assert all(hours.may_disturb(instant) for instant in tried)
    assert PhoneTask.objects.count() == 1


def test_a_switch_thrown_meanwhile_counts(say: Say, user: User, provider: FakeSms) -> None:
    """Written while messages were wanted, sent when they are not: not sent, and no call instead."""
    say(channels={"sms", "phone"})
    User.objects.filter(pk=user.pk).update(sms_enabled=False)

    assert sorted(run(NOON)) == ["failed", "submitted"]

    row = Delivery.objects.with_fallback().get(channel="sms")
    assert (provider.sent, row.failure) == ([], "permanent")
    assert row.error == "借款人已关闭短信，内容在应用内的消息里"
    assert Delivery.objects.filter(fallback_of=row).count() == 0
    assert Notice.objects.filter(user=user).count() == 1


def test_mandatory_goes_although_the_switch_is_off(say: Say, user: User, provider: FakeSms) -> None:
    User.objects.filter(pk=user.pk).update(sms_enabled=False)
    user.refresh_from_db()
    say(key="greeting:must", mandatory=True, user=user)
    say(key="greeting:may", user=user)

    assert run(NOON) == ["submitted"]
    assert len(provider.sent) == 1
    assert Notice.objects.filter(user=user).count() == 2


def test_codes_ignore_the_switch(user: User, provider: FakeSms) -> None:
    User.objects.filter(pk=user.pk).update(sms_enabled=False)
    send_login_code(phone=user.phone or "", key="c:1", digits="123456", minutes=5, now=NOON)

    assert run(NOON) == ["submitted"]
