"""Whole queues: batch after batch, once each, and a slow provider holds nothing back."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connection

from portal.models import Delivery, Notice
from portal.notifications import dispatch
from portal.notifications.channels.base import Receipt
from tests.portal.notifications.conftest import NOON, FakeSms

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
def test_what_time_does_not_allow_goes_back_at_once(
    say: Say, provider: FakeSms, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        say(key=f"greeting:{number}")
    seconds = iter(range(0, 1000, 10))  # every look at the clock is ten seconds later
    monkeypatch.setattr("portal.notifications.dispatch.time.monotonic", lambda: next(seconds))

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
    provider.answer = lambda row: Receipt(reference="ref")

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
