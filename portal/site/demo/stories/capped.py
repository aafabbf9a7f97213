"""13800000009: the dearest product, long overdue: the ceiling of 24 % a year bites."""

from __future__ import annotations

from portal.core.models import User
from portal.site.demo.acts import lend, pay_due
from portal.site.demo.timeline import Timeline


def play(timeline: Timeline, who: User) -> str:
    """0.05 % a day would give 0.075 % of penalty; the ceiling leaves 0.0658 %."""
    loan = lend(
        who,
        due=timeline.anchor(timeline.ago(16)),
        number=5,
        principal="10000.00",
        product="daily_005_capped",
    )
    pay_due(loan, 2)
    return f"借款 {loan.number} 罚息封顶"
