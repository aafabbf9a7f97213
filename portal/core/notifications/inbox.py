"""One's own notices: the list with the deliveries' truth, and marking as read."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Prefetch

from portal.core.models import Delivery, Notice, User
from portal.core.models.notice import NoticeQuerySet


def inbox(user: User, category: str = "") -> NoticeQuerySet:
    """The user's notices, newest first, with their deliveries; all categories when none is named."""
    rows = Delivery.objects.with_fallback().order_by("pk")
    notices = Notice.objects.for_user(user).prefetch_related(Prefetch("deliveries", rows))
    return notices.filter(category=category) if category else notices


def counts_by_category(user: User) -> dict[str, int]:
    """How many notices each category has: {"relief": 4, "repayment": 2}."""
    notices = Notice.objects.for_user(user).order_by()
    return dict(notices.values_list("category").annotate(n=Count("pk")))


def read_notice(*, notice: Notice, now: datetime) -> None:
    """Note the first time that a notice was opened; later openings change nothing."""
    if notice.read_at is None:
        Notice.objects.filter(pk=notice.pk, read_at=None).update(read_at=now)
        notice.read_at = now


def read_all_notices(*, user: User, now: datetime) -> int:
    """Mark everything unread as read; returns how many."""
    return Notice.objects.for_user(user).unread().update(read_at=now)
