"""Calls to borrowers by staff: at most three a day, only when calling is allowed, all recorded."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models.functions import Coalesce

from portal.core.errors import NotYourTurn, RuleViolation, StaleWrite
from portal.core.kernel.businesstime import business_date, in_shanghai, instant_at
from portal.core.kernel.roles import Rank, Role, rank_at_least
from portal.core.models import Delivery, PhoneCall, PhoneTask, User
from portal.core.notifications import hours
from portal.core.notifications.outbox import notify

logger = logging.getLogger(__name__)

MAX_CALLS_A_DAY = 3  # GB/T 45251-2025
MAX_CALLS_A_TASK = 3  # unanswered: it failed, visibly, and supervisors hear of it

_ENDS = {
    PhoneTask.Outcome.REACHED: (Delivery.Status.DELIVERED, ""),
    PhoneTask.Outcome.WRONG_NUMBER: (Delivery.Status.FAILED, Delivery.Failure.PERMANENT),
    PhoneTask.Outcome.REFUSED: (Delivery.Status.FAILED, Delivery.Failure.PERMANENT),
}


def calls_today(user: User | None, *, now: datetime) -> int:
    """How many calls this person has had on the business date of `now`."""
    start = instant_at(business_date(now))
    calls = PhoneCall.objects.filter(task__delivery__user=user, at__gte=start)
    return calls.filter(at__lt=start + timedelta(days=1)).count()


def with_calls_today(
    tasks: models.QuerySet[PhoneTask], *, now: datetime
) -> models.QuerySet[PhoneTask]:
    """Each task with `calls_today`: how many calls its borrower has had on the date of `now`."""
    start = instant_at(business_date(now))
    calls = PhoneCall.objects.filter(at__gte=start, at__lt=start + timedelta(days=1)).order_by()
    calls_to_borrower = calls.filter(task__delivery__user=models.OuterRef("delivery__user"))
    call_counts = (
        calls_to_borrower.values("task__delivery__user").annotate(n=models.Count("pk")).values("n")
    )
    return tasks.annotate(calls_today=Coalesce(models.Subquery(call_counts), 0))


def check_may_call(*, task: PhoneTask, now: datetime) -> None:
    """RuleViolation unless this borrower may be called now (GB/T 45251-2025, own preference).

    Within `hours.SPAN` in Shanghai and the hours the borrower chose, and fewer than
    MAX_CALLS_A_DAY today.
    """
    if task.done_at:
        raise StaleWrite("这个电话任务已经完成")
    if not hours.may_disturb(now):
        raise RuleViolation(f"只能在 {hours.SPAN} 打电话，请在白天再拨", code="quiet-hours")
    user = task.delivery.user
    if user is None:
        return
    clock_time = in_shanghai(now).time()
    if not user.call_from <= clock_time < user.call_to:
        span = f"{user.call_from:%H:%M}–{user.call_to:%H:%M}"
        raise RuleViolation(f"借款人希望在 {span} 接电话，请在这段时间拨打", code="call-window")
    if calls_today(user, now=now) >= MAX_CALLS_A_DAY:
        raise RuleViolation(
            f"今天已经给这位借款人打过 {MAX_CALLS_A_DAY} 次电话，请明天再拨", code="call-limit"
        )


def record_call(
    *,
    task_id: int,
    outcome: str,
    actor: User,
    now: datetime,
    note: str = "",
    after: int | None = None,
) -> PhoneTask:
    """Record a call that `actor` made and what came of it; the delivery follows.

    reached → 已送达; wrong_number and refused → 未送达; no_answer leaves the task open until the
    third unanswered call, which ends it as 未送达. Supervisors hear of every 未送达. RuleViolation
    when calling was not allowed (see `check_may_call`), and when the task has had another number of
    calls than the page that it was recorded on, `after`, had: pressed twice, it is one call.
    """
    if not actor.has_rank(Rank.REVIEWER):
        raise NotYourTurn("只有审核人员可以登记电话结果")
    if outcome not in PhoneTask.Outcome.values:
        raise RuleViolation("请选择通话结果", field="outcome")
    with transaction.atomic():
        task = PhoneTask.objects.select_for_update().get(pk=task_id)
        if task.delivery.user_id:  # one caller at a time per borrower, for the daily limit
            User.objects.select_for_update().get(pk=task.delivery.user_id)
        check_may_call(task=task, now=now)
        if after is not None and task.attempts != after:
            raise RuleViolation(
                "这次通话已经登记过，或者同事刚刚也登记了一次。请核对通话记录，确有新的通话再登记。",
                code="stale",
            )
        PhoneCall.objects.create(task=task, outcome=outcome, note=note[:200], by=actor, at=now)
        task.attempts += 1
        task.outcome = outcome
        status, failure = _ENDS.get(PhoneTask.Outcome(outcome), ("", ""))
        if not status and task.attempts >= MAX_CALLS_A_TASK:
            status, failure = Delivery.Status.FAILED, Delivery.Failure.TEMPORARY
        if status:
            _finish(task, status, failure, actor=actor, now=now)
        task.save(update_fields=["attempts", "outcome", "done_at", "done_by"])
    return task


def _finish(task: PhoneTask, status: str, failure: str, *, actor: User, now: datetime) -> None:
    """Close the task and say on the delivery what is known."""
    task.done_at, task.done_by = now, actor
    error = "" if status == Delivery.Status.DELIVERED else PhoneTask.Outcome(task.outcome).label
    Delivery.objects.filter(pk=task.delivery_id).update(
        status=status, failure=failure, error=str(error), finished_at=now, lease_until=None
    )
    if error:
        logger.error("call.failed", extra={"delivery": task.delivery.public_id, "task": task.pk})
        _escalate(task, str(error), now=now)


def _escalate(task: PhoneTask, reason: str, *, now: datetime) -> None:
    """Nobody could be told by phone: supervisors decide what next. The app has the notice."""
    delivery = task.delivery
    staff = User.objects.filter(role=Role.STAFF, is_active=True)
    for person in staff.exclude(same_person_as=delivery.user_id):
        if rank_at_least(person.rank, Rank.SUPERVISOR):
            notify(
                event="staff_unreached",
                key=f"unreached:{task.pk}:{person.pk}",
                user=person,
                channels=(),
                context={"who": delivery.user, "reason": reason, "calls": task.attempts},
                about=delivery.about,
                link=f"/admin/portal/phonetask/{task.pk}/change/",
                category="system",
                now=now,
            )


def when_to_call(user: User | None, *, calls: int, now: datetime) -> str:
    """For the queue: "" when this borrower may be called now, else why not and when.

    `calls` is how many they had today: 3 gives 今天已打 3 次，明天再拨.
    """
    if calls >= MAX_CALLS_A_DAY:
        return f"今天已打 {calls} 次，明天再拨"
    opens, closes = hours.OPENS, hours.CLOSES
    if user is not None:
        opens, closes = max(opens, user.call_from), min(closes, user.call_to)
    if opens <= in_shanghai(now).time() < closes:
        return ""
    return f"{opens:%H:%M}–{closes:%H:%M} 可拨"
