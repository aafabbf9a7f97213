"""Aliyun's short messages (Dysms): sending, what its codes mean, and its delivery reports.

The SDK is the extra `sms-aliyun` and takes seconds to import: only on first use.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from portal.models import Delivery
from portal.notifications.channels.base import Receipt, Report, SendFailed

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


class AliyunSms:
    """`out_id` is our id, so that a repeated message and its report can be recognised by it."""

    def __init__(self) -> None:
        self._client: Any = None

    def send(self, delivery: Delivery, *, now: datetime) -> Receipt:
        try:
            models, client = self._sdk()
        except ImportError as missing:
            raise SendFailed("没有安装 sms-aliyun 组件", permanent=False) from missing
        request = models.SendSmsRequest(
            phone_numbers=delivery.to,
            sign_name=settings.SMS_SIGNATURE,
            template_code=settings.ALIYUN_SMS_TEMPLATE,
            template_param=json.dumps({"text": words_of(delivery)}, ensure_ascii=False),
            out_id=str(delivery.public_id),
        )
        try:
            body = client.send_sms(request).body
        except Exception as problem:  # the SDK raises kinds of its own for network and refusals
            raise refusal(problem) from problem
        if body is None or body.code != "OK":
            code = str(getattr(body, "code", None) or "EmptyAnswer")
            raise SendFailed(code, permanent=is_permanent(code))
        return Receipt(reference=str(body.biz_id))

    def _sdk(self) -> tuple[Any, Any]:
        """The SDK's models and a client, made once."""
        models = importlib.import_module("alibabacloud_dysmsapi20170525.models")
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

    ValueError if it is none. The codes after submission come from the carriers: all are final.
    """
    success = item.get("success")
    if isinstance(success, str) and success.lower() in {"true", "false"}:
        success = success.lower() == "true"
    if not isinstance(success, bool):
        raise ValueError("success")
    code = "" if success else str(item.get("err_code") or "")
    return Report(reference=str(item.get("out_id") or ""), delivered=success, error=code)
