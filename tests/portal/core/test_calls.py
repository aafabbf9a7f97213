"""Calls by staff: three a day, in the borrower's hours, and the outcome reaches the delivery."""

from __future__ import annotations

from datetime import datetime

import pytest

from portal.core.errors import RuleViolation, StaleWrite
from portal.core.kernel.roles import Rank
from portal.core.models import Delivery, Notice, PhoneTask, User
from portal.core.notifications import calls, deliveries, dispatch
from tests.conftest import at
from tests.portal.people import lin, wen

pytestmark = pytest.mark.django_db
NOON = at("2026-03-02 12:00")


def task_for(user: User, number: int = 1) -> PhoneTask:
    """A call waiting in the queue."""
    row = Delivery.objects.create(
        user=user,
        channel="phone",
        event="x",
        key=f"x:{number}",
        to=user.phone or "",
        text="请告知审核结果",
        next_attempt_at=NOON,
        created_at=NOON,
    )
    dispatch.claim_due(NOON, 9)
    dispatch.deliver_one(row.pk, NOON)
    return PhoneTask.objects.get(delivery=row)


def record(task: PhoneTask, outcome: str, now: datetime = NOON, actor: User | None = None) -> None:
    calls.record_call(task_id=task.pk, outcome=outcome, actor=actor or staff(), now=now)


def staff() -> User:
    return User.objects.filter(role="STAFF").first() or wen()


@pytest.mark.parametrize(
    ("outcome", "status", "failure", "done"),
    [
        ("reached", "delivered", "", True),
        ("wrong_number", "failed", "permanent", True),
        ("refused", "failed", "permanent", True),
        ("no_answer", "submitted", "", False),
    ],
)
def test_outcome_reaches_the_delivery(outcome: str, status: str, failure: str, done: bool) -> None:
    task = task_for(lin())

    record(task, outcome)

    task.refresh_from_db()
    assert (task.delivery.status, task.delivery.failure) == (status, failure)
    assert bool(task.done_at) is done
    assert (task.attempts, task.outcome) == (1, outcome)
    if done:
        with pytest.raises(StaleWrite):
            record(task, "reached")


def test_three_calls_a_day_over_all_tasks() -> None:
    user = lin()
    tasks = [task_for(user, number) for number in range(2)]
    for task in (tasks[0], tasks[1], tasks[0]):
        record(task, "no_answer")

    with pytest.raises(RuleViolation, match="3 次"):
        record(tasks[1], "reached")
    record(tasks[1], "reached", now=at("2026-03-03 09:00"))


def test_the_queue_counts_every_call_of_the_day() -> None:
    user = lin()
    first, second = task_for(user), task_for(user, 2)
    record(first, "no_answer", now=at("2026-03-01 12:00"))
    record(first, "no_answer")
    record(second, "no_answer")

    rows = calls.with_calls_today(PhoneTask.objects.all(), now=NOON)

    assert {row.calls_today for row in rows} == {2}  # type: ignore[attr-defined]


def test_third_unanswered_call_fails_visibly_and_supervisors_hear() -> None:
    task, boss, clerk = task_for(lin()), wen(Rank.SUPERVISOR), wen(Rank.AUDITOR)
    for hour in (10, 11):
        record(task, "no_answer", now=at(f"2026-03-02 {hour}:00"))
        task.refresh_from_db()
        assert (task.done_at, task.delivery.status) == (None, "submitted")
    record(task, "no_answer", now=at("2026-03-03 12:00"))

    task.refresh_from_db()
    assert (task.delivery.status, task.delivery.error) == ("failed", "无人接听")
    told = Notice.objects.get(event="staff_unreached", user=boss)
    assert "林*云" in told.body
    assert "共拨打 3 次" in told.body
    assert not Notice.objects.filter(event="staff_unreached", user=clerk).exists()


@pytest.mark.parametrize(
    ("when", "calls_so_far", "words"),
    [
        ("2026-03-02 12:00", 0, ""),
        ("2026-03-02 12:00", 3, "今天已打 3 次，明天再拨"),
        ("2026-03-02 08:59", 0, "09:00–20:00 可拨"),
        ("2026-03-02 20:00", 2, "09:00–20:00 可拨"),
    ],
)
def test_the_queue_says_when_to_call(when: str, calls_so_far: int, words: str) -> None:
    assert calls.when_to_call(lin(), calls=calls_so_far, now=at(when)) == words


@pytest.mark.parametrize("clock", ["07:30", "08:30", "20:00", "22:00", "23:30"])
def test_outside_the_hours_nobody_is_called(clock: str) -> None:
    task = task_for(lin())  # wants calls 09:00–20:00

    with pytest.raises(RuleViolation):
        record(task, "reached", now=at(f"2026-03-02 {clock}"))
    assert task.calls.count() == 0


def test_borrowers_and_auditors_record_nothing() -> None:
    user = lin()
    task = task_for(user)
    for actor in (user, wen(Rank.AUDITOR)):
        with pytest.raises(RuleViolation):
            record(task, "reached", actor=actor)
    with pytest.raises(RuleViolation, match="请选择"):
        record(task, "nonsense", actor=wen())


def test_resend_puts_only_failed_messages_back() -> None:
    user, actor = lin(), wen()
    row = Delivery.objects.create(
        user=user,
        channel="sms",
        event="x",
        key="sms",
        to="13800000001",
        text="t",
        status="failed",
        failure="permanent",
        attempts=8,
        next_attempt_at=NOON,
        created_at=NOON,
        finished_at=NOON,
    )

    with pytest.raises(RuleViolation, match="权限"):
        deliveries.resend(delivery_id=row.pk, actor=user, now=NOON)
    deliveries.resend(delivery_id=row.pk, actor=actor, now=NOON)
    with pytest.raises(StaleWrite):
        deliveries.resend(delivery_id=row.pk, actor=actor, now=NOON)

    again = Delivery.objects.get(pk=row.pk)
    assert (again.status, again.attempts, again.public_id) == ("pending", 0, row.public_id)
