"""A loan to try things on, for somebody of the demo who has none."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from loans.models import Loan
from portal.core.errors import RuleViolation
from portal.core.models import User
from portal.site.demo.acts import lend, pay_due
from portal.site.demo.seed import check_demo
from portal.site.demo.timeline import Timeline

KINDS = {"overdue": "逾期的示例借款", "fresh": "刚放款的示例借款"}


def open_sample_loan(*, borrower: User, kind: str, now: datetime) -> Loan:
    """6,000 yuan over 6 months: "overdue" has its third instalment late, "fresh" begins today.

    RuleViolation outside the demo, for staff, or while another loan runs; twice is refused.
    """
    check_demo()
    if not borrower.is_borrower:
        raise RuleViolation("示例借款只给借款人账户，请换一个角色登录", code="not-borrower")
    if kind not in KINDS:
        raise RuleViolation("没有这种示例借款，请刷新页面", code="kind")
    timeline = Timeline.at(now)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=borrower.pk)
        if Loan.objects.for_borrower(borrower).active().exists():
            raise RuleViolation("已经有一笔借款，不再另开示例借款", code="has-loan")
        if kind == "fresh":
            return lend(
                borrower, due=timeline.anchor(timeline.today), number=0, principal="6000.00", term=6
            )
        loan = lend(
            borrower,
            due=timeline.anchor(timeline.today - timedelta(days=18)),
            number=3,
            principal="6000.00",
            term=6,
        )
        pay_due(loan, 1)
    return loan
