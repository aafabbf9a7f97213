"""Seeds the cast with their stories up to today, in one transaction and only in a demo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import instant_at
from portal.core.models import Notice, User
from portal.core.notifications.inbox import read_notice
from portal.site.demo import cast
from portal.site.demo.stories import (
    asked_for_more,
    breached,
    capped,
    in_plan,
    in_review,
    just_overdue,
    newcomer,
    offered,
    settled,
    up_to_date,
)
from portal.site.demo.timeline import Timeline, deliver, months_before

Story = Callable[[Timeline, User], str]
STORIES: dict[str, Story] = {
    "13800000001": just_overdue.play,
    "13800000002": in_review.play,
    "13800000003": offered.play,
    "13800000004": in_plan.play,
    "13800000005": breached.play,
    "13800000006": settled.play,
    "13800000007": up_to_date.play,
    "13800000008": asked_for_more.play,
    "13800000009": capped.play,
    "13800000010": newcomer.play,
}
FRESH = timedelta(days=4)  # notices younger than this are still unread


def is_seeded() -> bool:
    """Whether the cast is there."""
    return User.objects.filter(username=cast.BORROWERS[0].account).exists()


def check_demo() -> None:
    """RuleViolation outside DEMO, or when people of real life are in the database."""
    if not settings.DEMO:
        raise RuleViolation("演示数据只能在演示环境（DEMO=1）中使用", code="not-demo")
    if User.objects.filter(is_demo=False).exists():
        raise RuleViolation("数据库里有真实用户，不能写入或重置演示数据", code="real-people")


def seed(*, now: datetime) -> list[str]:
    """Make the cast and play all stories up to `now`; one line for each person.

    Nothing happens, and nothing is said, when the cast is there already. RuleViolation as of
    `check_demo`.
    """
    check_demo()
    with transaction.atomic():
        if is_seeded():
            return []
        timeline = Timeline.at(now)
        timeline.people.update(_people(timeline))
        lines = list(_play(timeline))
        deliver(now)
        _read_old_notices(now)
    return lines


def _people(timeline: Timeline) -> dict[str, User]:
    """Everybody of the cast, with the one password; the newcomer since yesterday."""
    people = {}
    for member in cast.MEMBERS:
        joined = instant_at(months_before(timeline.today, 15), timeline.now.time().replace(hour=10))
        if member.account == cast.NEWCOMER:
            joined = timeline.now - timedelta(hours=14)
        if member.rank is None:
            user = User.objects.create_borrower(
                member.account, member.name, cast.PASSWORD, date_joined=joined
            )
        else:
            user = User.objects.create_staff(
                member.account, member.name, member.rank, cast.PASSWORD, date_joined=joined
            )
        people[member.account] = user
    return people


def _play(timeline: Timeline) -> Iterator[str]:
    for member in cast.BORROWERS:
        done = STORIES[member.account](timeline, timeline.people[member.account])
        yield f"{member.account} {member.name}：{member.story}（{done}）"
    for member in cast.STAFF:
        yield f"{member.account} {member.name}：{member.story}"


def _read_old_notices(now: datetime) -> None:
    """Mark notices older than FRESH as read two hours after they came."""
    for notice in Notice.objects.unread().filter(created_at__lt=now - FRESH).order_by():
        read_notice(notice=notice, now=notice.created_at + timedelta(hours=2))
