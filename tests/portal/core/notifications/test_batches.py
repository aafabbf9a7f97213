"""Whole queues: batch after batch, once each, and a slow provider holds nothing back."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import override_settings

from portal.core.models import Delivery, Notice
from portal.core.notifications import dispatch
from portal.core.notifications.channels.base import SendResult
from portal.core.notifications.outbox import send_login_code
from tests.conftest import at
from tests.portal.core.notifications.conftest import NOON, FakeSms

Say = Callable[..., Notice]


@pytest.mark.django_db
def test_a_queue_is_sent_whole_in_few_statements(
    say: Say, provider: FakeSms, django_assert_max_num_queries: Callable[..., object]
) -> None:
    many = 2 * dispatch.BATCH + 7
    for number in range(many):
        say(key=f"greeting:{number}")

    with django_assert_max_num_queries(many + 4 * 6):
        assert dispatch.deliver_due(NOON) == many

    assert Counter(Delivery.objects.values_list("status", flat=True)) == {"submitted": many}
    assert len(provider.sent) == len({reference for reference, _, _ in provider.sent}) == many


@pytest.mark.django_db
def test_what_a_provider_took_is_recorded_before_the_next_one_goes(
    say: Say, provider: FakeSms
) -> None:
    for number in range(4):
        say(key=f"greeting:{number}")
    recorded = []

    def answer(row: Delivery) -> SendResult:
        recorded.append(Delivery.objects.filter(status="submitted").count())
        return SendResult(reference="ref")

    provider.answer = answer
    dispatch.deliver_due(NOON)

    assert recorded == [0, 1, 2, 3]


@pytest.mark.django_db
@pytest.mark.parametrize(("backend", "status"), [("console", "submitted"), ("demo", "delivered")])
def test_what_never_leaves_this_machine_is_recorded_together(
    say: Say,
    backend: str,
    status: str,
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    many = 2 * dispatch.BATCH + 7
    for number in range(many):
        say(key=f"greeting:{number}")
    send_login_code(phone="13900000009", key="c:1", digits="123456", minutes=5, now=NOON)

    with override_settings(SMS_BACKEND=backend), django_assert_max_num_queries(4 * 6):
        assert dispatch.deliver_due(NOON) == many + 1

    rows = Delivery.objects.all()
    assert Counter(rows.values_list("status", "attempts")) == {(status, 1): many + 1}
    assert list(rows.filter(text="").values_list("event", flat=True)) == ["login_code"]


@pytest.mark.django_db
def test_a_queue_at_night_is_put_off_together(
    say: Say, provider: FakeSms, django_assert_max_num_queries: Callable[..., object]
) -> None:
    night = at("2026-03-02 23:00")
    for number in range(dispatch.BATCH):
        say(key=f"greeting:{number}", now=night)

    with django_assert_max_num_queries(12):
        dispatch.deliver_due(night)

    assert provider.sent == []
    waiting = Counter(Delivery.objects.values_list("status", "next_attempt_at", "attempts"))
    assert waiting == {("pending", at("2026-03-03 08:00"), 0): dispatch.BATCH}


@pytest.mark.django_db
def test_a_row_retaken_meanwhile_is_left_to_who_has_it(say: Say, provider: FakeSms) -> None:
    for number in range(3):
        say(key=f"greeting:{number}")
    later = NOON + 2 * dispatch.LEASE  # somebody else's claim

    def answer(row: Delivery) -> SendResult:
        Delivery.objects.filter(key="greeting:1:sms").update(lease_until=later)
        return SendResult(reference="ref", is_local=True)

    provider.answer = answer
    dispatch.deliver_due(NOON)

    assert list(Delivery.objects.order_by("key").values_list("status", "lease_until")) == [
        ("submitted", None),
        ("claimed", later),
        ("submitted", None),
    ]


@pytest.mark.django_db
def test_what_time_does_not_allow_goes_back_at_once(
    say: Say, provider: FakeSms, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        say(key=f"greeting:{number}")
    seconds = iter(range(0, 1000, 10))  # every look at the clock is ten seconds later
    monkeypatch.setattr("portal.core.notifications.dispatch.time.monotonic", lambda: next(seconds))

    assert dispatch.deliver_due(NOON, seconds=45) == 5

    waiting = Delivery.objects.due(NOON)
    assert len(provider.sent) + waiting.count() == 5
    assert 0 < len(provider.sent) < 5
    assert set(waiting.values_list("lease_until", "attempts")) == {(None, 0)}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_once(say: Say, provider: FakeSms) -> None:
    many = 6 * dispatch.BATCH
    for number in range(many):
        say(key=f"greeting:{number}")
    provider.answer = lambda row: SendResult(reference="ref")

    def work() -> None:
        try:
            dispatch.deliver_due(NOON)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(Counter(reference for reference, _, _ in provider.sent).values()) == [1] * many
    assert set(Delivery.objects.values_list("status", flat=True)) == {"submitted"}
