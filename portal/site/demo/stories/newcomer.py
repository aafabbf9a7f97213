"""13800000010: registered, and that is all; a button gives a sample loan."""

from __future__ import annotations

from portal.core.models import User
from portal.site.demo.timeline import Timeline


def play(timeline: Timeline, who: User) -> str:
    """Nothing has happened yet."""
    return "没有借款"
