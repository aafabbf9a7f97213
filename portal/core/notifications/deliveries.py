"""Sending a failed delivery again because staff say so."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.core.errors import NotYourTurn, RuleViolation, StaleWrite
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, User
from portal.core.nudge import nudge


def resend(*, delivery_id: int, actor: User, now: datetime) -> None:
    """Put a failed delivery back into the outbox under the same public id, with fresh attempts.

    RuleViolation for a login code (its life is over); StaleWrite unless it has failed.
    """
    if not actor.has_rank(Rank.REVIEWER):
        raise NotYourTurn("您没有权限重发消息")
    with transaction.atomic():
        row = Delivery.objects.select_for_update().get(pk=delivery_id)
        if row.exempt:
            raise RuleViolation("验证码不能重发，请借款人重新获取")
        if row.channel == Delivery.Channel.PHONE:
            raise RuleViolation("电话不能重发，请在电话任务里处理")
        if row.not_after is not None and row.not_after <= now:
            raise RuleViolation("提醒的时间已过，重发没有意义，内容在借款人的消息里")
        updated = Delivery.objects.filter(pk=delivery_id, status=Delivery.Status.FAILED).update(
            status=Delivery.Status.PENDING,
            attempts=0,
            next_attempt_at=now,
            ask_at=None,
            failure="",
            error="",
            finished_at=None,
        )
        if not updated:
            raise StaleWrite("只有未送达的消息可以重发，请刷新页面看最新状态")
        nudge("portal.tasks.deliver_due")
