"""13800000002: applied on the last working day; a reviewer has begun to look."""

from __future__ import annotations

from datetime import timedelta

from portal.core.models import User
from portal.site.demo import acts, papers
from portal.site.demo.acts import DemoPaper, lend, pay_due
from portal.site.demo.timeline import Timeline, moment
from relief.conversation import bot, messages
from relief.conversation.answers import Topic
from relief.evidence.files import Upload

HOSPITAL = (
    "姓名：陈国安（演示）",
    "诊断：急性阑尾炎，术后恢复",
    "入院：本季度，住院 12 天",
    "医嘱：出院后休息两个月，定期复查",
    "费用：自付 18,640.00 元",
)


def play(timeline: Timeline, who: User) -> str:
    """Talks to 小宽, applies with a photograph and a PDF, and is claimed an hour later."""
    day = timeline.desk_day(1)
    loan = lend(who, due=timeline.anchor(timeline.ago(21)), number=6, principal="30000.00")
    pay_due(loan, 4)
    asked = moment(day, "09:31")
    bot.greet(actor=who, now=asked)
    question = "上个月做了手术，休病假只发基本工资，罚息能减免吗？"
    messages.say(text=question, actor=who, now=asked + timedelta(minutes=1))
    bot.answer(actor=who, text=question, now=asked + timedelta(minutes=1))
    bot.quick_reply(actor=who, topic=Topic.PENALTY, now=asked + timedelta(minutes=3))
    case = acts.apply(
        loan,
        reasons=["illness", "income_loss"],
        statement="上个月急性阑尾炎住院手术，出院后休病假两个月，只发基本工资，"
        "两期没有按时还。恢复上班后可以继续按月还款，希望减免罚息并延长期数。",
        budget=("4600.00", "3100.00", "900.00"),
        papers=[
            DemoPaper("medical", papers.photo("诊断证明.jpg", "诊断证明书", HOSPITAL)),
            DemoPaper("income", income(timeline)),
        ],
        at=moment(day, "10:12"),
    )
    agent = timeline.people["agent"]
    acts.claim(case, agent, at=moment(day, "11:05"))
    messages.staff_say(
        conversation=messages.conversation_of(borrower=who, now=asked),
        text="您好，我是周敏，已收到您的申请和材料，正在审核。审核期间不会有催收电话，请安心休养。",
        actor=agent,
        now=moment(day, "11:08"),
        case=case,
    )
    return f"申请 {case.number} 审核中"


def income(timeline: Timeline) -> Upload:
    """The pay of the last months, as the employer's statement."""
    month = timeline.today.replace(day=1) - timedelta(days=1)
    before = month.replace(day=1) - timedelta(days=1)
    return papers.paper(
        "收入证明.pdf",
        "收入证明",
        [("姓名", "陈国安（演示）"), ("单位", "演示市示例机械有限公司"), ("用途", "申请罚息减免")],
        ["月份", "岗位工资", "绩效", "实发金额"],
        [
            [f"{before:%Y-%m}", "5,200.00", "2,900.00", "8,100.00"],
            [f"{month:%Y-%m}", "4,600.00", "0.00", "4,600.00"],
        ],
    )
