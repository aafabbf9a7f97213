"""Phone notices: not a robot, but a task in the staff queue that a person does."""

from __future__ import annotations

from datetime import datetime

from portal.core.models import Delivery, PhoneTask
from portal.core.notifications.channels.base import SendResult


class PhoneQueue:
    """Puts the call into the queue; the outcome that staff record ends the delivery."""

    def send(self, delivery: Delivery, *, now: datetime) -> SendResult:
        task = PhoneTask(delivery=delivery, script=delivery.text, created_at=now)
        PhoneTask.objects.bulk_create([task], ignore_conflicts=True)  # one a delivery
        return SendResult(reference="phone-task", is_local=True)
