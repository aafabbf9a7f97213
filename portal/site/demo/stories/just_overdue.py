"""13800000001: ill in the last weeks, two instalments late, has asked for nothing yet."""

from __future__ import annotations

from portal.core.models import User
from portal.site.demo.acts import lend, pay_due
from portal.site.demo.timeline import Timeline


def play(timeline: Timeline, who: User) -> str:
    """Three instalments on time, the fourth and fifth unpaid; twelve days since the fifth."""
    loan = lend(who, due=timeline.anchor(timeline.ago(12)), number=5)
    pay_due(loan, 3)
    return f"借款 {loan.number}，第 4、5 期逾期"
