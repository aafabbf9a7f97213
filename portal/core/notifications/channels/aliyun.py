"""Aliyun's short messages (Dysms): sending, what its codes mean, and what became of a message.

The SDK is the extra `sms-aliyun` and takes seconds to import: only on first use.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings

from portal.core.kernel.businesstime import business_date
from portal.core.models import Delivery
from portal.core.notifications.channels.base import (
    Report,
    SendFailed,
    SendResult,
    UnreadableReport,
    text_of,
)

# The provider's codes after which trying again cannot help: the number or the words are wrong.
# All others are temporary, ours to mend among them (no balance, a wrong key, a closed account):
# they retry for hours and then fail visibly.
PERMANENT = frozenset(
    {
        "isv.MOBILE_NUMBER_ILLEGAL",
        "isv.MOBILE_COUNT_OVER_LIMIT",
        "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
        "isv.BLACK_KEY_CONTROL_LIMIT",
        "isv.INVALID_PARAMETERS",
        "isv.INVALID_JSON_PARAM",
        "isv.PARAM_LENGTH_LIMIT",
        "isv.PARAM_NOT_SUPPORT_URL",
        "isv.TEMPLATE_MISSING_PARAMETERS",
        "isv.TEMPLATE_PARAMS_ILLEGAL",
        "isv.SMS_TEMPLATE_ILLEGAL",
        "isv.SMS_SIGNATURE_ILLEGAL",
        "isv.SMS_SIGNATURE_SCENE_ILLEGAL",
        "isv.SMS_CONTENT_ILLEGAL",
        "isv.UNSUPPORTED_CONTENT",
    }
)
CONNECT_MS, READ_MS = 3000, 10000
PAGE, MAX_PAGES = 50, 5  # the provider's largest page; a number has a handful of messages a day
LOST, ARRIVED = "2", "3"  # SendStatus; 1 is still on its way
MIDNIGHT = timedelta(minutes=5)  # how far the provider's clock may be from ours


class AliyunSms:
    """`out_id` is our id, so that a repeated message and its report can be recognised by it."""

    def __init__(self) -> None:
        self._client: Any = None

    def send(self, delivery: Delivery, *, now: datetime) -> SendResult:
        models, client = self._sdk()
        request = models.SendSmsRequest(
            phone_numbers=delivery.to,
            sign_name=settings.SMS_SIGNATURE,
            template_code=settings.ALIYUN_SMS_TEMPLATE,
            template_param=json.dumps({"text": words_of(delivery)}, ensure_ascii=False),
            out_id=str(delivery.public_id),
        )
        return SendResult(reference=str(answer_of(client.send_sms, request).biz_id or ""))

    def ask(self, delivery: Delivery) -> Report | None:
        """QuerySendDetails for the number, the day and the submission, page by page."""
        models, client = self._sdk()
        statuses: set[tuple[str, str]] = set()
        for day in days_of(delivery):
            for page in range(1, MAX_PAGES + 1):
                request = models.QuerySendDetailsRequest(
                    phone_number=delivery.to,
                    biz_id=delivery.provider_reference or None,
                    send_date=f"{day:%Y%m%d}",
                    page_size=PAGE,
                    current_page=page,
                )
                listed = answer_of(client.query_send_details, request).sms_send_detail_dtos
                details = (listed.sms_send_detail_dto or []) if listed else []
                statuses |= {
                    (str(detail.send_status), str(detail.err_code or ""))
                    for detail in details
                    if detail.out_id == str(delivery.public_id)
                }
                if len(details) < PAGE:
                    break
        return what_became(str(delivery.public_id), statuses)

    def _sdk(self) -> tuple[Any, Any]:
        """The SDK's models and a client, made once; SendFailed if it is not installed."""
        try:
            models = importlib.import_module("alibabacloud_dysmsapi20170525.models")
        except ImportError as missing:
            raise SendFailed("没有安装 sms-aliyun 组件", permanent=False) from missing
        if self._client is None:
            scheme, _, host = settings.ALIYUN_SMS_ENDPOINT.rpartition("://")
            config = importlib.import_module("alibabacloud_tea_openapi.models").Config(
                access_key_id=settings.ALIYUN_SMS_KEY_ID,
                access_key_secret=settings.ALIYUN_SMS_KEY_SECRET,
                endpoint=host,
                protocol=(scheme or "https").upper(),
                connect_timeout=CONNECT_MS,
                read_timeout=READ_MS,
            )
            module = importlib.import_module("alibabacloud_dysmsapi20170525.client")
            self._client = module.Client(config)
        return models, self._client


def answer_of(call: Callable[[Any], Any], request: Any) -> Any:
    """The body of a good answer; SendFailed for every other one and for none."""
    try:
        body = call(request).body
    except Exception as problem:  # the SDK raises kinds of its own for network and refusals
        raise refusal(problem) from problem
    if body is None or body.code != "OK":
        code = str(getattr(body, "code", None) or "EmptyAnswer")
        raise SendFailed(code, permanent=is_permanent(code))
    return body


def days_of(delivery: Delivery) -> list[date]:
    """The provider's day of a submission: ours, and the next too if ours was about to end."""
    at = delivery.submitted_at or delivery.created_at
    return sorted({business_date(at), business_date(at + MIDNIGHT)})


def what_became(reference: str, statuses: Collection[tuple[str, str]]) -> Report | None:
    """From (SendStatus, ErrCode) of each listed detail: arrived if one did, lost if all are."""
    send_statuses = {status for status, _ in statuses}
    if ARRIVED in send_statuses:
        return Report(reference, delivered=True)
    if send_statuses == {LOST}:
        return Report(reference, delivered=False, error=max(code for _, code in statuses))
    return None  # still on its way, or not listed yet


def words_of(delivery: Delivery) -> str:
    """The text without the signature, which the provider puts in front itself."""
    return delivery.text.removeprefix(f"【{settings.SMS_SIGNATURE}】")


def is_permanent(code: str) -> bool:
    """Whether a refusal with `code` is final: a wrong number is, an empty balance is not."""
    return code in PERMANENT


def refusal(problem: Exception) -> SendFailed:
    """What the SDK raised: with the provider's code if it answered, else by its kind."""
    code = str(getattr(problem, "code", "") or type(problem).__name__)
    return SendFailed(code, permanent=is_permanent(code))


def read_report(item: Mapping[str, object]) -> Report:
    """One entry of Aliyun's SmsReport: {"out_id": …, "success": true, "err_code": "DELIVERED", …}.

    UnreadableReport if it is none. The codes after submission come from the carriers: all are final.
    """
    success = item.get("success")
    if isinstance(success, str) and success.lower() in {"true", "false"}:
        success = success.lower() == "true"
    if not isinstance(success, bool):
        raise UnreadableReport("success")
    code = "" if success else text_of(item, "err_code")
    return Report(reference=text_of(item, "out_id"), delivered=success, error=code)
