"""What became of a message, asked of Aliyun: early and often, then rarely, and only forward."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings

from portal import tasks
from portal.core.models import Delivery, Notice, PhoneTask
from portal.core.notifications import deliveries, dispatch, polling, reports
from portal.core.notifications.channels.base import Report
from tests.conftest import at
from tests.portal.core.notifications.aliyun_stub import TAKEN, Stub
from tests.portal.core.notifications.conftest import NOON
from tests.portal.people import wen

pytestmark = pytest.mark.django_db
Say = Callable[..., Notice]
MINUTE = timedelta(minutes=1)
ON_ITS_WAY, LOST, ARRIVED = 1, 2, 3
DOWN = (503, {"Code": "ServiceUnavailable", "Message": "x", "RequestId": "1"})


@pytest.fixture
def row(say: Say, stub: Stub) -> Delivery:
    """A message that Aliyun has."""
    say()
    dispatch.deliver_due(NOON)
    return Delivery.objects.get()


def listed(row: Delivery, status: int, code: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "BizId": TAKEN["BizId"],
        "OutId": str(row.public_id),
        "PhoneNum": row.to,
        "SendDate": "2026-03-02 12:00:00",
        "SendStatus": status,
        "ErrCode": code,
    } | changes


def label(row: Delivery) -> str:
    return str(Delivery.objects.with_fallback().get(pk=row.pk).status_label)


def questions(stub: Stub) -> list[dict[str, str]]:
    return [asked for asked in stub.asked if asked["action"] == "QuerySendDetails"]


def test_arrived(row: Delivery, stub: Stub) -> None:
    stub.details = [listed(row, ARRIVED, "DELIVERED")]

    assert polling.ask_due(NOON + MINUTE) == 1

    assert label(row) == "已送达"
    row.refresh_from_db()
    assert (row.finished_at, row.submitted_at) == (NOON + MINUTE, NOON)
    asked = questions(stub)
    assert (stub.forged, len(asked)) == (0, 1)
    assert (asked[0]["PhoneNumber"], asked[0]["SendDate"]) == (row.to, "20260302")
    assert asked[0]["BizId"] == row.provider_reference


def test_lost_becomes_one_call(row: Delivery, stub: Stub) -> None:
    stub.details = [listed(row, LOST, "UNDELIV")]

    polling.ask_due(NOON + MINUTE)
    dispatch.deliver_due(NOON + MINUTE)
    polling.ask_due(NOON + 10 * MINUTE)

    assert label(row) == "未送达，已改为电话"
    row.refresh_from_db()
    assert (row.failure, row.error) == ("permanent", "UNDELIV")
    assert PhoneTask.objects.count() == 1
    assert len(questions(stub)) == 1


@pytest.mark.parametrize("known", [True, False])
def test_unknown_and_on_its_way_are_asked_ever_more_rarely(
    row: Delivery, stub: Stub, known: bool
) -> None:
    other = {"OutId": "another", "SendStatus": ARRIVED}
    stub.details = [listed(row, ON_ITS_WAY) if known else listed(row, ARRIVED) | other]
    asked_at = []
    for minute in range(0, 3 * 24 * 60 + 60):
        if minute in (0, 1, 2, 4, 5, 29, 30, 119, 120, 360, 720, 1440, 2880, 4299, 4300, 4319):
            asked_at += [minute] * polling.ask_due(NOON + minute * MINUTE)

    assert asked_at == [1, 5, 30, 120, 360, 720, 1440, 2880, 4300]
    assert label(row) == "已提交"
    assert polling.ask_due(NOON + reports.SILENCE) == 0
    assert reports.give_up_waiting(NOON + reports.SILENCE) == 1
    assert label(row) == "未送达，已改为电话"
    assert polling.ask_due(NOON + 100 * reports.SILENCE) == 0


def test_a_provider_that_is_down_ends_the_round_and_nothing_else(
    say: Say, stub: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        say(key=f"greeting:{number}")
    dispatch.deliver_due(NOON)
    stub.answer = DOWN

    with caplog.at_level(logging.WARNING):
        assert polling.ask_due(NOON + MINUTE) == polling.SILENT

    assert set(Delivery.objects.values_list("status", flat=True)) == {"submitted"}
    assert [r.getMessage() for r in caplog.records].count("delivery.unanswered") == polling.SILENT
    assert "1380" not in " ".join(str(vars(r)) for r in caplog.records if "portal" in r.name)
    stub.answer = (200, TAKEN)
    stub.details = [listed(row, ARRIVED) for row in Delivery.objects.all()]
    assert polling.ask_due(NOON + 2 * MINUTE) == 2
    assert polling.ask_due(NOON + 5 * MINUTE) == 3
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}


@pytest.mark.parametrize("answer", [None, (200, {"Code": "isv.LIMIT"}), (200, {}), (500, {})])
def test_every_bad_answer_leaves_it_submitted(row: Delivery, stub: Stub, answer: Any) -> None:
    stub.answer = answer

    assert polling.ask_due(NOON + MINUTE) == 1

    row.refresh_from_db()
    assert (row.status, row.ask_at) == ("submitted", NOON + 5 * MINUTE)


def test_it_is_found_on_a_later_page(row: Delivery, stub: Stub) -> None:
    Delivery.objects.update(provider_reference="")  # the answer to sending was cut off
    others = [listed(row, LOST, OutId=f"other-{number}", BizId="x") for number in range(120)]
    stub.details = [*others, listed(row, ARRIVED)]

    polling.ask_due(NOON + MINUTE)

    assert [asked["CurrentPage"] for asked in questions(stub)] == ["1", "2", "3"]
    assert label(row) == "已送达"


def test_an_earlier_submission_says_nothing_of_a_later_one(row: Delivery, stub: Stub) -> None:
    stub.details = [listed(row, LOST, "UNDELIV")]
    polling.ask_due(NOON + MINUTE)
    stub.answer = (200, TAKEN | {"BizId": "second"})
    deliveries.resend(delivery_id=row.pk, actor=wen(), now=NOON + 2 * MINUTE)
    dispatch.deliver_due(NOON + 2 * MINUTE)

    assert polling.ask_due(NOON + 3 * MINUTE) == 1
    assert Delivery.objects.get(pk=row.pk).status == "submitted"

    stub.details.append(listed(row, ARRIVED, BizId="second"))
    polling.ask_due(NOON + 7 * MINUTE)
    assert label(row) == "已送达"


def test_a_submission_at_midnight_is_looked_for_on_both_days(say: Say, stub: Stub) -> None:
    say()
    Delivery.objects.update(
        status="submitted", submitted_at=at("2026-03-02 23:58"), provider_reference="b"
    )
    row = Delivery.objects.get()
    stub.details = [listed(row, ARRIVED, BizId="b", SendDate="2026-03-03 00:00:01")]

    polling.ask_due(at("2026-03-03 00:00"))

    assert [asked["SendDate"] for asked in questions(stub)] == ["20260302", "20260303"]
    assert label(row) == "已送达"


@pytest.mark.parametrize("order", sorted(set(itertools.permutations(("ask", "lost", "arrived")))))
@pytest.mark.parametrize("answer", [LOST, ARRIVED])
def test_asked_or_told_in_any_order_ends_the_same(
    row: Delivery, stub: Stub, answer: int, order: tuple[str, ...]
) -> None:
    stub.details = [listed(row, answer)]
    for number, step in enumerate(order):
        if step == "ask":
            polling.ask_due(NOON + MINUTE)
        else:
            told = Report(str(row.public_id), delivered=step == "arrived")
            reports.take_reports([told], digest=f"{number}", now=NOON, real=NOON)

    assert label(row) == "已送达"
    assert Delivery.objects.filter(channel="phone").count() <= 1


def test_the_same_answer_again_changes_nothing(row: Delivery, stub: Stub) -> None:
    answer = Report(str(row.public_id), delivered=False, error="UNDELIV")

    taken = [reports.take_answer(answer, now=NOON + n * MINUTE) for n in range(3)]

    row.refresh_from_db()
    assert (taken, row.finished_at) == ([True] * 3, NOON)
    assert Delivery.objects.filter(channel="phone").count() == 1


def test_a_round_that_runs_out_of_time_leaves_the_rest_due(say: Say, stub: Stub) -> None:
    for number in range(3):
        say(key=f"greeting:{number}")
    dispatch.deliver_due(NOON)

    assert polling.ask_due(NOON + MINUTE, seconds=0) == 0
    assert polling.ask_due(NOON + MINUTE) == 3
    assert polling.ask_due(NOON + MINUTE) == 0


def test_a_worker_that_dies_between_keeps_a_row_for_one_lease_only(row: Delivery) -> None:
    polling._claim(NOON + MINUTE)

    assert polling.ask_due(NOON + MINUTE) == 0
    assert polling.ask_due(NOON + MINUTE + polling.LEASE) == 1


def test_who_cannot_be_asked_is_not(row: Delivery, stub: Stub) -> None:
    with override_settings(SMS_BACKEND="console", SMS_CALLBACK_KEY=""):
        assert tasks.ask_reports() == 0
        assert reports.give_up_waiting(NOON + reports.SILENCE) == 0
    assert questions(stub) == []
