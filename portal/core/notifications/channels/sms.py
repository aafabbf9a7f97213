"""Short messages: one interface, and the adapters behind it (SMS_BACKEND)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from django.conf import settings

from portal.core.models import Delivery
from portal.core.notifications.channels import aliyun, gateway, outfile
from portal.core.notifications.channels.base import (
    Answers,
    ChannelAdapter,
    Report,
    SendResult,
    UnreadableReport,
    text_of,
)

logger = logging.getLogger(__name__)


class DemoSms:
    """The simulated phone: the row itself is the message, so it has arrived."""

    def send(self, delivery: Delivery, *, now: datetime) -> SendResult:
        return SendResult(reference="演示手机", delivered=True, is_local=True)


class ConsoleSms:
    """For machines without a provider: the log says that a message would have gone, not what."""

    def send(self, delivery: Delivery, *, now: datetime) -> SendResult:
        logger.info("sms.console", extra={"delivery": delivery.public_id, "event": delivery.event})
        return SendResult(reference="console", is_local=True)


_ADAPTERS: dict[str, Callable[[], ChannelAdapter]] = {
    "demo": DemoSms,
    "console": ConsoleSms,
    "file": outfile.FileSms,
    "aliyun": aliyun.AliyunSms,
    "http": gateway.GatewaySms,
}
_adapters: dict[str, ChannelAdapter] = {}


def adapter() -> ChannelAdapter:
    """The adapter that SMS_BACKEND names."""
    name = settings.SMS_BACKEND
    if name not in _adapters:
        _adapters[name] = _ADAPTERS[name]()
    return _adapters[name]


def answering() -> Answers | None:
    """The adapter, if its provider can be asked what became of a message."""
    provider = adapter()
    return provider if isinstance(provider, Answers) else None


def read_report(item: Mapping[str, object]) -> Report:
    """One entry of a provider's delivery report; UnreadableReport if it is none.

    Aliyun's own shape under SMS_BACKEND=aliyun, else
    {"reference": "<our id>", "status": "delivered"|"failed", "error": "<code>"}.
    """
    if settings.SMS_BACKEND == "aliyun":
        return aliyun.read_report(item)
    status = text_of(item, "status")
    if status not in {"delivered", "failed"}:
        raise UnreadableReport("status")
    error = "" if status == "delivered" else text_of(item, "error")
    return Report(text_of(item, "reference"), delivered=status == "delivered", error=error)
