"""Real threads on PostgreSQL: one claimant per delivery, and throttles that count every attempt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from portal.core.accounts import accounts, codes
from portal.core.errors import RuleViolation
from portal.core.kernel.devices import Origin
from portal.core.models import Delivery, OneTimeCode
from portal.core.notifications import dispatch
from tests.conftest import at
from tests.portal.people import lin

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
NOON = at("2026-03-02 12:00")
THREADS = 12


def together(act: Callable[[int], Any]) -> list[Any]:
    """What each of the threads got, started at one barrier; a RuleViolation is an answer too."""
    barrier, answers = threading.Barrier(THREADS), []

    def run(number: int) -> None:
        barrier.wait()
        try:
            answers.append(act(number))
        except RuleViolation as refusal:
            answers.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_each_delivery_is_claimed_once() -> None:
    user = lin()
    Delivery.objects.bulk_create(
        Delivery(
            user=user,
            channel="sms",
            event="x",
            key=str(number),
            to="13800000001",
            next_attempt_at=NOON,
            created_at=NOON,
        )
        for number in range(100)
    )

    claimed = together(lambda number: dispatch.claim_due(NOON, 20))

    ids = [pk for batch in claimed for pk in batch]
    assert len(ids) == len(set(ids))
    assert Delivery.objects.filter(status="claimed").count() == len(ids)
    assert len(ids) + len(dispatch.claim_due(NOON, 100)) == 100


def test_one_code_a_minute_and_five_passwords_whatever_the_crowd() -> None:
    lin()

    sent = together(
        lambda number: codes.send_code(
            phone="13800000001", purpose="login", session_key="s", ip=str(number), now=NOON
        )
    )
    tried = together(
        lambda number: accounts.authenticate_password(
            phone="13800000001", password="wrong", origin=Origin("203.0.113.7")
        )
    )

    assert sum(answer is None for answer in sent) == 1
    assert OneTimeCode.objects.count() == 1
    assert sum("不正确" in answer.message for answer in tried) == 5
