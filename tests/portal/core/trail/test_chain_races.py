"""Real threads on PostgreSQL: writers and sweeps at once make one chain without a fork or a gap."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from portal.core import clock
from portal.core.accounts import trail
from portal.core.kernel.security import SecurityKind
from portal.core.models import SecurityEvent, TrailLink
from portal.core.trail import chain

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def together(*acts: Any) -> list[BaseException]:
    """Run all acts at one barrier; what they raised."""
    barrier, raised = threading.Barrier(len(acts)), []

    def run(act: Any) -> None:
        barrier.wait()
        try:
            act()
        except BaseException as problem:
            raised.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return raised


def write(count: int = 20) -> None:
    for _ in range(count):
        trail.record(SecurityKind.LOGOUT, user=None, origin=trail.SYSTEM)


def sweep(count: int = 10) -> None:
    for _ in range(count):
        chain.extend(clock.real_now())


def test_writers_and_sweeps_at_once_make_one_chain() -> None:
    for _ in range(3):
        assert together(*[write] * 4, *[sweep] * 4) == []
    sweep(1)

    assert SecurityEvent.objects.count() == TrailLink.objects.count() == 240
    numbers = TrailLink.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, 241))
    assert list(chain.problems()) == []


def test_a_writer_in_a_long_transaction_holds_up_no_sweep_and_is_linked_when_it_commits() -> None:
    wrote, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            write(1)
            wrote.set()
            assert go_on.wait(timeout=30)

    def meanwhile() -> None:
        assert wrote.wait(timeout=30)
        write(2)
        sweep(1)
        assert TrailLink.objects.count() == 2
        go_on.set()

    assert together(slow, meanwhile) == []
    sweep(1)

    first = SecurityEvent.objects.order_by("pk").first()
    assert first is not None
    assert TrailLink.objects.get(number=3).row_id == first.pk
    assert list(chain.problems()) == []


def test_a_sweep_at_work_holds_up_no_writer() -> None:
    write(1)
    with transaction.atomic():
        chain.extend(clock.real_now())  # keeps the lock until the end of this transaction

        assert together(write) == []

    assert SecurityEvent.objects.count() == 21
