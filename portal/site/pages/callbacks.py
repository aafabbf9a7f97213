"""Delivery reports of the SMS provider: signed instead of logged in; answers name no recipient."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from portal.core import clock
from portal.core.notifications import reports
from portal.core.notifications.channels import sms
from portal.core.notifications.channels.base import Report, UnreadableReport

logger = logging.getLogger(__name__)
MAX_REPORTS = 500


@csrf_exempt
@login_not_required
@require_POST
def sms_reports(request: HttpRequest) -> JsonResponse:
    """A JSON list of reports; headers X-Timestamp (seconds) and X-Signature (portal.core.notifications.reports).

    200 {"code": 0} taken or already taken; 401 not genuine; 400 not readable; 404 none is known.
    """
    if not settings.SMS_CALLBACK_KEY:
        raise Http404
    timestamp = request.headers.get("X-Timestamp", "")
    signature = request.headers.get("X-Signature", "")
    real = clock.real_now()
    if not reports.is_genuine(
        timestamp=timestamp, signature=signature, body=request.body, real=real
    ):
        logger.warning("callback.refused", extra={"channel": "sms"})
        return answer("签名不正确或已过期", status=401)
    try:
        received = read_body(request.body)
    except UnreadableReport as wrong:
        logger.warning("callback.unreadable", extra={"channel": "sms", "field": wrong.field})
        return answer(f"字段 {wrong.field} 缺少或格式不正确", status=400)
    except (ValueError, RecursionError):
        logger.warning("callback.unreadable", extra={"channel": "sms"})
        return answer("内容不是状态报告的列表", status=400)
    digest = hashlib.sha256(timestamp.encode() + b"." + request.body).hexdigest()
    outcome = reports.take_reports(received, digest=digest, now=clock.now(), real=real)
    logger.info(
        "callback.taken",
        extra={"known": outcome.known, "unknown": outcome.unknown, "repeated": outcome.repeated},
    )
    if received and not outcome.known and not outcome.repeated:
        return answer("没有这些消息", status=404)
    return answer("接收成功", status=200)


def read_body(body: bytes) -> list[Report]:
    """The reports of a body: a list of objects, or one object; ValueError for anything else."""
    data: Any = json.loads(body)
    items = data if isinstance(data, list) else [data]
    if len(items) > MAX_REPORTS or not all(isinstance(item, dict) for item in items):
        raise ValueError("shape")
    return [sms.read_report(item) for item in items]


def answer(message: str, *, status: int) -> JsonResponse:
    """In the shape that Aliyun expects: code 0 means taken, anything else means send again."""
    return JsonResponse({"code": 0 if status == 200 else status, "msg": message}, status=status)
