"""The people of these tests."""

from __future__ import annotations

from typing import Any

from portal.core.kernel.roles import Rank
from portal.core.models import User


def lin(**extra: Any) -> User:
    """A borrower."""
    return User.objects.create_borrower("13800000001", "林小云", "mima-12345", **extra)


def wen(rank: Rank = Rank.REVIEWER) -> User:
    """A member of staff."""
    return User.objects.create_staff(f"wen-{rank.lower()}", "温明", rank, "mima-12345")
