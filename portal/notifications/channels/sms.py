"""Short messages: one interface, and the adapters behind it (SMS_BACKEND)."""

from __future__ import annotations

import importlib
import json
import logging
import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings

from portal.models import Delivery
from portal.notifications.channels.base import Channel, Receipt, SendFailed

logger = logging.getLogger(__name__)


class DemoSms:
    """The simulated phone: the row itself is the message, so it has arrived."""

    def send(self, delivery: Delivery, *, now: datetime) -> Receipt:
        return Receipt(reference=f"demo-{delivery.public_id}", delivered=True)


class ConsoleSms:
    """For machines without a provider: the log says that a message would have gone, not what."""

    def send(self, delivery: Delivery, *, now: datetime) -> Receipt:
        logger.info("sms.console", extra={"delivery": delivery.public_id, "event": delivery.event})
        return Receipt(reference=f"console-{delivery.public_id}")


class AliyunSms:
    """Aliyun's Dysms; `out_id` is our id, so a repeated message can be recognised by it.

    ALIYUN_SMS_KEY_ID, ALIYUN_SMS_KEY_SECRET, ALIYUN_SMS_TEMPLATE (a template with one variable,
    `text`). The SDK is an extra (`sms-aliyun`) and takes seconds to import: only on first use.
    """

    # The provider's codes after which trying again cannot help.
    PERMANENT = frozenset(
        {
            "isv.MOBILE_NUMBER_ILLEGAL",
            "isv.BLACK_KEY_CONTROL_LIMIT",
            "isv.INVALID_PARAMETERS",
            "isv.TEMPLATE_MISSING_PARAMETERS",
            "isv.SMS_TEMPLATE_ILLEGAL",
            "isv.SMS_SIGNATURE_ILLEGAL",
        }
    )

    def __init__(self) -> None:
        self._client: Any = None

    def send(self, delivery: Delivery, *, now: datetime) -> Receipt:
        try:
            models, client = self._sdk()
            request = models.SendSmsRequest(
                phone_numbers=delivery.to,
                sign_name=settings.SMS_SIGNATURE,
                template_code=os.environ["ALIYUN_SMS_TEMPLATE"],
                template_param=json.dumps({"text": delivery.text}, ensure_ascii=False),
                out_id=str(delivery.public_id),
            )
            body = client.send_sms(request).body
        except KeyError as missing:
            raise SendFailed(f"缺少设置 {missing.args[0]}", permanent=True) from missing
        except ImportError as missing:
            raise SendFailed("没有安装 sms-aliyun 组件", permanent=True) from missing
        except Exception as problem:  # the SDK raises kinds of its own for network and throttling
            raise SendFailed(type(problem).__name__, permanent=False) from problem
        if body.code != "OK":
            raise SendFailed(str(body.code), permanent=body.code in self.PERMANENT)
        return Receipt(reference=str(body.biz_id))

    def _sdk(self) -> tuple[Any, Any]:
        """The SDK's models and a client, made once."""
        models = importlib.import_module("alibabacloud_dysmsapi20170525.models")
        if self._client is None:
            config = importlib.import_module("alibabacloud_tea_openapi.models").Config(
                access_key_id=os.environ["ALIYUN_SMS_KEY_ID"],
                access_key_secret=os.environ["ALIYUN_SMS_KEY_SECRET"],
                endpoint="dysmsapi.aliyuncs.com",
                connect_timeout=3000,
                read_timeout=10000,
            )
            module = importlib.import_module("alibabacloud_dysmsapi20170525.client")
            self._client = module.Client(config)
        return models, self._client


_ADAPTERS: dict[str, Callable[[], Channel]] = {
    "demo": DemoSms,
    "console": ConsoleSms,
    "aliyun": AliyunSms,
}
_made: dict[str, Channel] = {}


def adapter() -> Channel:
    """The adapter that SMS_BACKEND names."""
    name = settings.SMS_BACKEND
    if name not in _made:
        _made[name] = _ADAPTERS[name]()
    return _made[name]
