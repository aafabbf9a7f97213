"""Aliyun's adapter against a local stub of its protocol, and what its codes mean."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest
from django.test import override_settings

from portal.core.models import Delivery, Notice
from portal.core.notifications import dispatch
from portal.core.notifications.channels import aliyun
from portal.core.notifications.channels.base import SendFailed
from tests.portal.core.notifications.aliyun_stub import Stub
from tests.portal.core.notifications.conftest import NOON

FINAL = [
    "isv.MOBILE_NUMBER_ILLEGAL",
    "isv.MOBILE_COUNT_OVER_LIMIT",
    "isv.BLACK_KEY_CONTROL_LIMIT",
    "isv.SMS_TEMPLATE_ILLEGAL",
    "isv.SMS_SIGNATURE_ILLEGAL",
    "isv.TEMPLATE_MISSING_PARAMETERS",
    "isv.PARAM_LENGTH_LIMIT",
    "isv.SMS_CONTENT_ILLEGAL",
]
LATER = [
    "isv.BUSINESS_LIMIT_CONTROL",
    "isv.DAY_LIMIT_CONTROL",
    "isv.AMOUNT_NOT_ENOUGH",
    "isv.OUT_OF_SERVICE",
    "isv.ACCOUNT_ABNORMAL",
    "isp.SYSTEM_ERROR",
    "isp.GATEWAY_ERROR",
    "isp.RAM_PERMISSION_DENY",
    "Throttling.User",
    "ServiceUnavailable",
    "something.new",
]


def run() -> list[str]:
    return [dispatch.deliver_one(pk, NOON) for pk in dispatch.claim_due(NOON, 10)]


@pytest.mark.parametrize("code", FINAL)
def test_wrong_number_or_words_are_final(code: str) -> None:
    assert aliyun.is_permanent(code)


@pytest.mark.parametrize("code", LATER)
def test_load_money_and_keys_may_mend(code: str) -> None:
    assert not aliyun.is_permanent(code)


@pytest.mark.django_db
def test_sent_signed_under_our_id(say: Callable[..., Notice], stub: Stub) -> None:
    say()

    assert run() == ["submitted"]

    row = Delivery.objects.get()
    asked = stub.asked[0]
    assert (stub.forged, len(stub.asked)) == (0, 1)
    assert (asked["action"], asked["version"]) == ("SendSms", "2017-05-25")
    assert (asked["OutId"], asked["PhoneNumbers"]) == (str(row.public_id), row.to)
    assert (asked["SignName"], asked["TemplateCode"]) == ("宽息", "SMS_0001")
    assert f"【宽息】{json.loads(asked['TemplateParam'])['text']}" == row.text
    assert (row.provider_reference, row.status_label) == ("900619746936498440^0", "已提交")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        ((200, {"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "x"}), "failed", "isv.MOBILE_"),
        ((200, {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "x"}), "pending", "isv.BUSINESS"),
        ((200, {"Code": "isv.AMOUNT_NOT_ENOUGH", "Message": "x"}), "pending", "isv.AMOUNT"),
        ((400, {"Code": "Throttling.User", "Message": "x", "RequestId": "1"}), "pending", ""),
        ((503, {"Code": "ServiceUnavailable", "Message": "x", "RequestId": "1"}), "pending", ""),
        ((500, {}), "pending", ""),
        ((200, {}), "pending", ""),
        (None, "pending", ""),
    ],
)
def test_each_failure_ends_in_its_class(
    say: Callable[..., Notice], stub: Stub, answer: object, status: str, error: str
) -> None:
    stub.answer = answer  # type: ignore[assignment]
    say()

    assert run() == [status]

    row = Delivery.objects.get(channel="sms")
    assert row.error.startswith(error)
    assert row.error
    assert row.failure == ("permanent" if status == "failed" else "temporary")


@pytest.mark.django_db
def test_a_wrong_key_is_refused_and_retried(say: Callable[..., Notice], stub: Stub) -> None:
    say()
    with override_settings(ALIYUN_SMS_KEY_SECRET="another"):
        assert run() == ["pending"]

    assert (stub.forged, stub.asked) == (1, [])
    assert Delivery.objects.get().error == "SignatureDoesNotMatch"


@pytest.mark.django_db
def test_without_the_sdk_it_waits_and_says_why(
    say: Callable[..., Notice], stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "alibabacloud_dysmsapi20170525.models", None)
    say()

    assert run() == ["pending"]

    assert Delivery.objects.get().error == "没有安装 sms-aliyun 组件"


def test_a_refusal_without_a_code_is_named_by_its_kind() -> None:
    found = aliyun.refusal(TimeoutError())

    assert isinstance(found, SendFailed)
    assert (found.reason, found.permanent) == ("TimeoutError", False)
