"""13800000008: applied with one photograph; the reviewer needs the bank statements too."""

from __future__ import annotations

from portal.core.models import User
from portal.site.demo import acts, papers
from portal.site.demo.acts import DemoPaper, lend, pay_due
from portal.site.demo.timeline import Timeline, deliver, moment
from relief.cases import review


def play(timeline: Timeline, who: User) -> str:
    """Asked on the last working day; the review clock stands still since."""
    loan = lend(who, due=timeline.anchor(timeline.ago(40)), number=4, principal="15000.00")
    pay_due(loan, 3)
    agent = timeline.people["agent"]
    applied_day, asked_day = timeline.desk_day(2), timeline.desk_day(1)
    case = acts.apply(
        loan,
        reasons=["family"],
        statement="家里老人去世，办理后事花光了积蓄，这两个月周转困难，请求减免罚息。",
        budget=("6100.00", "4300.00", "900.00"),
        papers=[
            DemoPaper(
                "hardship",
                papers.photo(
                    "困难证明.jpg",
                    "困难证明",
                    ("兹证明我社区居民何秀兰（演示）", "近期家庭变故，支出较大。"),
                ),
            )
        ],
        at=moment(applied_day, "14:20"),
    )
    acts.claim(case, agent, at=moment(applied_day, "15:06"))
    acts.look_through(case, agent, at=moment(asked_day, "10:50"))
    asked_at = moment(asked_day, "11:02")
    review.ask_for_proof(
        case=case,
        kinds=["bank_flow"],
        text="请补充近 3 个月的银行流水，用来确认收支变化；与本次申请无关的交易对手可以遮住。",
        actor=agent,
        now=asked_at,
    )
    deliver(asked_at)
    return f"申请 {case.number} 待补充材料"
