"""13800000007: pays every instalment on its date."""

from __future__ import annotations

from datetime import timedelta

from portal.core.models import User
from portal.site.demo.acts import lend, pay_due
from portal.site.demo.timeline import Timeline


def play(timeline: Timeline, who: User) -> str:
    """An interest-only loan, four instalments paid, the fifth in a week."""
    coming = timeline.anchor(timeline.today + timedelta(days=9))
    loan = lend(who, due=coming, number=5, principal="10000.00", product="annual_144_interest_only")
    pay_due(loan, 4)
    return f"借款 {loan.number} 没有逾期"
