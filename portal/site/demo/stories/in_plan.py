"""13800000004: agreed some weeks ago and keeps the plan; the second instalment is near."""

from __future__ import annotations

from datetime import timedelta

from portal.core.models import User
from portal.site.demo import acts, papers
from portal.site.demo.acts import DemoPaper, lend, pay_due
from portal.site.demo.talks import Talks, agree
from portal.site.demo.timeline import Timeline, months_before
from relief.evidence.files import Upload


def play(timeline: Timeline, who: User) -> str:
    """Half of the penalty waived over 12 terms; the first instalment paid on its date."""
    coming = timeline.anchor(timeline.today + timedelta(days=9))
    first = months_before(coming, 1)
    loan = lend(who, due=months_before(first, 2), number=5, principal="18000.00")
    pay_due(loan, 4)
    case = agree(
        timeline,
        loan,
        Talks(
            reasons=("income_loss",),
            statement="厂里订单减少，只安排了一半的班，收入降了四成，请帮我调整还款。",
            budget=("5600.00", "3200.00", "1300.00"),
            papers=(DemoPaper("income", income()),),
            percent=50,
            terms=12,
            first_due_on=first,
        ),
    )
    acts.keep_plan(case, 1)
    acts.let_time_pass(case, timeline.now)
    return f"申请 {case.number} 的新计划已还 1 期"


def income() -> Upload:
    """A wage slip with half of the shifts."""
    return papers.paper(
        "工资单.pdf",
        "工资单",
        [("姓名", "赵明远（演示）"), ("单位", "演示市示例电子厂")],
        ["项目", "金额"],
        [["基本工资", "3,200.00"], ["计件", "2,400.00"], ["实发合计", "5,600.00"]],
    )
