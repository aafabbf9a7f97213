"""Delivery reports: only genuine ones, once, in any order, and never backwards."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import logging
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, override_settings

from portal.core import clock
from portal.core.models import Delivery, Notice, PhoneTask, ProviderCall
from portal.core.notifications import deliveries, dispatch, reports
from tests.conftest import at
from tests.portal.people import lin, wen

pytestmark = pytest.mark.django_db
KEY = "callback-key-" + "0123456789" * 3
NOON = at("2026-03-02 12:00")
ALIYUN = {
    "phone_number": "13800000001",
    "send_time": "2026-03-02 12:00:00",
    "report_time": "2026-03-02 12:00:03",
    "sms_size": "1",
    "biz_id": "900619746936498440^0",
}


@pytest.fixture(autouse=True)
def with_key() -> Iterator[None]:
    with override_settings(SMS_CALLBACK_KEY=KEY, SMS_BACKEND="console"), clock.frozen(NOON):
        yield


@pytest.fixture
def row(db: Any) -> Delivery:
    return submitted("case:1:offer_made:7:1:sms")


def submitted(key: str, **changes: Any) -> Delivery:
    """A message that the provider has taken."""
    from portal.core.models import User

    user = User.objects.filter(phone="13800000001").first() or lin()
    notice = Notice.objects.create(
        key=f"n:{key}", user=user, event="x", title="t", code="A", created_at=NOON
    )
    values: dict[str, Any] = {
        "user": user,
        "notice": notice,
        "channel": "sms",
        "event": "offer_made",
        "key": key,
        "to": "13800000001",
        "text": "您有一条新消息",
        "status": "submitted",
        "attempts": 1,
        "next_attempt_at": NOON,
        "created_at": NOON,
        "submitted_at": NOON,
    }
    return Delivery.objects.create(**(values | changes))


def report(row: Delivery, status: str, **more: Any) -> dict[str, Any]:
    return {"reference": str(row.public_id), "status": status, **more}


def call(
    items: object, *, age: int = 0, key: str = KEY, headers: Any = None, raw: Any = None
) -> Any:
    """One signed call, `age` seconds old."""
    body = raw if raw is not None else json.dumps(items).encode()
    timestamp = str(int(clock.real_now().timestamp()) - age)
    digest = hmac.new(key.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    signed = headers or {"X-Timestamp": timestamp, "X-Signature": digest.hexdigest()}
    client = Client(enforce_csrf_checks=True)
    return client.post("/callbacks/sms/", body, "application/json", headers=signed)


def status_of(row: Delivery) -> str:
    return str(Delivery.objects.with_fallback().get(pk=row.pk).status_label)


def test_a_genuine_report_moves_the_status(row: Delivery) -> None:
    answer = call([report(row, "delivered")])

    assert (answer.status_code, answer.json()["code"]) == (200, 0)
    row.refresh_from_db()
    assert (row.status, row.finished_at, row.status_label) == ("delivered", NOON, "已送达")


def test_not_delivered_becomes_one_call_and_says_so(row: Delivery) -> None:
    first = call([report(row, "failed", error="UNDELIV")])
    second = call([report(row, "failed", error="UNDELIV")], age=1)

    assert (first.status_code, second.status_code) == (200, 200)
    row.refresh_from_db()
    assert (row.status, row.failure, row.error) == ("failed", "permanent", "UNDELIV")
    assert status_of(row) == "未送达，已改为电话"
    instead = Delivery.objects.get(channel="phone")
    assert (instead.fallback_of, instead.status) == (row, "pending")
    for pk in dispatch.claim_due(NOON, 10):
        dispatch.deliver_one(pk, NOON)
    assert PhoneTask.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"headers": {"X-Timestamp": "1", "X-Signature": "0" * 64}},
        {"headers": {"X-Timestamp": "", "X-Signature": ""}},
        {"headers": {"X-Timestamp": "１２３", "X-Signature": "签"}},
        {"headers": {"Authorization": "Bearer x"}},
        {"key": "another-key-" + "0123456789" * 3},
        {"age": 301},
        {"age": -302},
    ],
)
def test_what_is_not_genuine_changes_nothing(row: Delivery, change: Any) -> None:
    if "headers" in change:
        change["headers"] = {
            k: v.encode().decode("latin-1") if not v.isascii() else v
            for k, v in change["headers"].items()
        }
    answer = call([report(row, "delivered")], **change)

    assert answer.status_code == 401
    assert status_of(row) == "已提交"
    assert ProviderCall.objects.count() == 0


def test_a_changed_body_is_refused(row: Delivery) -> None:
    body = json.dumps([report(row, "failed")]).encode()
    timestamp = str(int(clock.real_now().timestamp()))
    digest = hmac.new(KEY.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()

    answer = call(
        None,
        raw=body.replace(b"failed", b"delivered"),
        headers={"X-Timestamp": timestamp, "X-Signature": digest},
    )

    assert answer.status_code == 401


def test_without_a_key_the_address_does_not_exist(row: Delivery) -> None:
    with override_settings(SMS_CALLBACK_KEY=""):
        assert call([report(row, "delivered")], key="").status_code == 404
    assert Client().get("/callbacks/sms/").status_code == 405


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[1]",
        b'"text"',
        b'[{"status": "sent"}]',
        b'[{"reference": "x"}]',
        b"[" * 100_000,
        json.dumps([{"status": "delivered"}] * 501).encode(),
    ],
)
def test_unreadable_is_400(raw: bytes) -> None:
    assert call(None, raw=raw).status_code == 400


@pytest.mark.parametrize("reference", [str(uuid.UUID(int=7)), "", "1", "x" * 500])
def test_unknown_is_404_and_logged(reference: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        answer = call([{"reference": reference, "status": "delivered"}])

    assert answer.status_code == 404
    assert any(r.getMessage() == "callback.taken" and r.unknown == 1 for r in caplog.records)


def test_login_codes_become_no_call_and_phones_are_not_reported() -> None:
    code = submitted("c:1", exempt=True)
    phone = submitted("p:1", channel="phone")

    assert call([report(code, "failed")]).status_code == 200
    assert call([report(phone, "delivered")]).status_code == 404

    assert status_of(code) == "未送达"
    assert status_of(phone) == "已提交"
    assert Delivery.objects.filter(channel="phone").count() == 1


def test_the_same_call_again_has_no_effect(row: Delivery) -> None:
    body = json.dumps([report(row, "failed")]).encode()
    timestamp = str(int(clock.real_now().timestamp()))
    digest = hmac.new(KEY.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"X-Timestamp": timestamp, "X-Signature": digest}
    call(None, raw=body, headers=headers)
    deliveries.resend(delivery_id=row.pk, actor=wen(), now=NOON)
    Delivery.objects.filter(pk=row.pk).update(status="submitted", submitted_at=NOON)

    again = call(None, raw=body, headers=headers)
    louder = call(None, raw=body, headers=headers | {"X-Signature": digest.upper()})

    assert (again.status_code, louder.status_code) == (200, 200)
    assert status_of(row) != "未送达"
    row.refresh_from_db()
    assert row.status == "submitted"
    assert ProviderCall.objects.count() == 1


REPORTS = ("failed", "delivered", "failed", "delivered")


@pytest.mark.parametrize("order", sorted(set(itertools.permutations(REPORTS))))
def test_any_order_ends_the_same(row: Delivery, order: tuple[str, ...]) -> None:
    for number, status in enumerate(order):
        call([report(row, status)], age=number)

    assert status_of(row) == "已送达"
    assert Delivery.objects.filter(channel="phone").count() <= 1


def test_a_report_may_be_faster_than_the_answer(row: Delivery) -> None:
    """The row is still claimed: the report stands, and the worker's own record comes too late."""
    lease = NOON + dispatch.LEASE
    Delivery.objects.filter(pk=row.pk).update(
        status="claimed", lease_until=lease, submitted_at=None, attempts=0
    )
    row.refresh_from_db()

    call([report(row, "delivered")])
    late = dispatch._record([row], status="submitted", submitted_at=NOON)

    assert late == ""
    assert status_of(row) == "已送达"


def test_an_old_report_does_not_spoil_what_staff_sent_again(row: Delivery) -> None:
    call([report(row, "failed")])
    deliveries.resend(delivery_id=row.pk, actor=wen(), now=NOON)

    call([report(row, "failed")], age=2)

    assert Delivery.objects.get(pk=row.pk).status == "pending"


def test_aliyun_reports_in_their_own_shape(row: Delivery) -> None:
    other = submitted("k:2")
    with override_settings(SMS_BACKEND="aliyun"):
        answer = call(
            [
                {**ALIYUN, "out_id": str(row.public_id), "success": True, "err_code": "DELIVERED"},
                {**ALIYUN, "out_id": str(other.public_id), "success": False, "err_code": "UNDELIV"},
                {**ALIYUN, "out_id": "", "success": True, "err_code": "DELIVERED"},
            ]
        )
        wrong = call([{**ALIYUN, "out_id": str(row.public_id)}])

    assert answer.json() == {"code": 0, "msg": "接收成功"}
    assert wrong.status_code == 400
    assert (status_of(row), status_of(other)) == ("已送达", "未送达，已改为电话")


def test_silence_for_three_days_is_not_delivered(row: Delivery) -> None:
    assert reports.give_up_waiting(NOON + reports.SILENCE - timedelta(seconds=1)) == 0
    assert reports.give_up_waiting(NOON + reports.SILENCE) == 1
    assert status_of(row) == "未送达，已改为电话"

    call([report(row, "delivered")])

    assert status_of(row) == "已送达"
    with override_settings(SMS_CALLBACK_KEY=""):
        submitted("k:3")
        assert reports.give_up_waiting(NOON + reports.SILENCE) == 0


def test_logs_tell_ids_only(row: Delivery, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        call([report(row, "failed", error="13800000001")])

    said = " ".join(f"{r.getMessage()} {vars(r)}" for r in caplog.records if "portal" in r.name)
    assert str(row.public_id) in said
    assert "13800000001" not in said


def test_calls_are_forgotten_after_a_day(row: Delivery) -> None:
    call([report(row, "delivered")])

    assert reports.forget_calls(real=clock.real_now()) == 0
    assert reports.forget_calls(real=clock.real_now() + timedelta(days=2)) == 1
