"""Messages into a file (SMS_BACKEND=file): for a trial with real words and no provider."""

from __future__ import annotations

import json
import os
from datetime import datetime

from django.conf import settings

from portal.core.models import Delivery
from portal.core.notifications.channels.base import SendFailed, SendResult


class FileSms:
    """One JSON line a message at the end of SMS_FILE, which only its owner can read.

    {"at": …, "reference": our id, "to": …, "text": …}. Whether anybody read it is not known: the
    message counts as submitted, never as delivered. A full disk is a temporary failure.
    """

    def send(self, delivery: Delivery, *, now: datetime) -> SendResult:
        reference = str(delivery.public_id)
        envelope = {"at": now.isoformat(), "reference": reference, "to": delivery.to}
        line = json.dumps({**envelope, "text": delivery.text}, ensure_ascii=False).encode() + b"\n"
        try:
            _append(line)
        except OSError as problem:
            raise SendFailed(f"文件写入失败（{problem.errno}）", permanent=False) from problem
        return SendResult(reference=f"file-{reference}")


def _append(line: bytes) -> None:
    """One write, so that lines of several workers never mix; what did not fit is taken back."""
    handle = os.open(settings.SMS_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        written = os.write(handle, line)
        if written != len(line):
            os.ftruncate(handle, os.fstat(handle).st_size - written)
            raise OSError(28, "no room for a whole line")
    finally:
        os.close(handle)
