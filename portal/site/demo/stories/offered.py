"""13800000003: reviewed, and an offer above the reviewer's authority was approved and sent."""

from __future__ import annotations

from portal.core.kernel.businesstime import add_months
from portal.core.models import User
from portal.site.demo import acts, papers
from portal.site.demo.acts import DemoPaper, lend, pay_due
from portal.site.demo.timeline import Timeline, deliver, moment
from relief.offers import approval


def play(timeline: Timeline, who: User) -> str:
    """80 % of the penalty waived over 18 terms: made by an agent, approved by the supervisor."""
    loan = lend(who, due=timeline.anchor(timeline.ago(33)), number=5, principal="24000.00")
    pay_due(loan, 3)
    agent, supervisor = timeline.people["agent2"], timeline.people["supervisor"]
    applied, answered, sent = timeline.desk_day(3), timeline.desk_day(2), timeline.desk_day(1)
    case = acts.apply(
        loan,
        reasons=["job_loss"],
        statement="所在门店关闭后被裁员，正在找工作，目前靠家人补贴。预计两个月内入职新单位，"
        "希望减免罚息，把每月还款降到能承受的数额。",
        budget=("5200.00", "2400.00", "1400.00"),
        papers=[
            DemoPaper(
                "unemployment",
                papers.photo(
                    "离职证明.jpg",
                    "离职证明",
                    (
                        "姓名：吴雅芳（演示）",
                        "单位：演示市示例百货门店",
                        "离职原因：门店关闭，协商解除",
                        "已结清工资，无竞业限制",
                    ),
                ),
            )
        ],
        at=moment(applied, "15:20"),
    )
    acts.claim(case, agent, at=moment(applied, "16:02"))
    acts.pass_review(case, agent, at=moment(answered, "10:25"), note="离职情况属实，收支合理。")
    sent_offer = acts.offer(
        case,
        agent,
        at=moment(answered, "15:10"),
        percent=80,
        terms=18,
        first_due_on=add_months(timeline.anchor(sent), 1),
        note="考虑到您正在求职，我们减免八成罚息，并把期限延长到 18 期。",
    )
    approved_at = moment(sent, "10:18")
    approval.approve_offer(
        case=case,
        number=sent_offer.number,
        actor=supervisor,
        now=approved_at,
        note="情况属实，同意。",
    )
    deliver(approved_at)
    return f"申请 {case.number} 的方案 {sent_offer.number} 待答复"
