"""What the bot answers: the quick questions and the FAQ, from the borrower's own figures only.

It promises nothing: it explains, points to the page, or fetches a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from loans.domain.penalty.interest import InstalmentPenalty, PenaltyExplanation
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.workdays import WorkCalendar
from relief.cases.policy import ReliefPolicy

BOT_NAME: Final = "小宽 · 智能客服"
MAX_TEXT: Final = 1000
DESK_OPENS, DESK_CLOSES = time(9), time(18)
SHOWN_SEGMENTS: Final = 3


class Topic(StrEnum):
    """What the bot can answer."""

    APPLY = "apply"
    PENALTY = "penalty"
    PROGRESS = "progress"
    HUMAN = "human"
    QUALIFY = "qualify"
    DURATION = "duration"
    STILL_REPAY = "still_repay"
    DISLIKE = "dislike"


TOPIC_LABELS: Final[dict[Topic, str]] = {
    Topic.APPLY: "申请罚息减免",
    Topic.PENALTY: "罚息怎么算",
    Topic.PROGRESS: "我的申请进度",
    Topic.HUMAN: "转人工",
    Topic.QUALIFY: "我符合减免条件吗",
    Topic.DURATION: "多久有结果",
    Topic.STILL_REPAY: "减免后还要还款吗",
    Topic.DISLIKE: "对方案不满意怎么办",
}
QUICK: Final = (Topic.APPLY, Topic.PENALTY, Topic.PROGRESS, Topic.HUMAN)
QUICK_WHERE_ONE_WAITS: Final = (Topic.PROGRESS, Topic.PENALTY, Topic.APPLY, Topic.HUMAN)
FAQ: Final = (Topic.QUALIFY, Topic.DURATION, Topic.STILL_REPAY, Topic.DISLIKE)
# Asked in order: the first topic one of whose words is in the text is meant.
_WORDS: Final[tuple[tuple[Topic, tuple[str, ...]], ...]] = (
    (Topic.HUMAN, ("人工", "真人", "客服电话", "投诉")),
    (Topic.DISLIKE, ("不满意", "不接受", "拒绝方案", "不同意方案", "太高")),
    (Topic.STILL_REPAY, ("还要还", "还用还", "减免后", "不用还")),
    (Topic.QUALIFY, ("符合", "条件", "资格", "能减免吗", "可以减免吗")),
    (Topic.DURATION, ("多久", "几天", "什么时候", "多长时间")),
    (Topic.PROGRESS, ("进度", "审核到", "结果", "申请怎么样")),
    (Topic.PENALTY, ("怎么算", "罚息多少", "为什么有罚息", "多少罚息", "如何计算")),
    (Topic.APPLY, ("申请", "减免", "协商", "还不上", "还不起", "困难")),
)


@dataclass(frozen=True)
class LoanFacts:
    """One loan that is not settled, as it stands today (amounts in yuan)."""

    number: str
    penalty: Decimal
    per_day: Decimal
    overdue_days: int
    overdue_count: int
    story: PenaltyExplanation | None = None


@dataclass(frozen=True)
class LatestCase:
    """The latest application: what it is called and what happens next."""

    number: str
    state_label: str
    next_step: str
    is_open: bool
    waits: bool  # an offer to answer, a warning, or an expired application to reopen


@dataclass(frozen=True)
class BotFacts:
    """All the bot may know at one instant: the borrower's own data, and the rules they are under."""

    name: str
    hour: int
    loans: tuple[LoanFacts, ...]
    case: LatestCase | None
    rules: ReliefPolicy

    @property
    def penalty(self) -> Decimal:
        return sum((loan.penalty for loan in self.loans), Decimal("0.00"))

    @property
    def penalty_words(self) -> str:
        """¥80.90; of several loans the sum and its parts, each under the number of its loan."""
        owing = [loan for loan in self.loans if loan.penalty]
        if len(self.loans) < 2 or not owing:
            return _yuan(self.penalty)
        parts = " + ".join(f"借款 {loan.number} {_yuan(loan.penalty)}" for loan in owing)
        if len(owing) == 1:
            return f"{_yuan(self.penalty)}（1 / {len(self.loans)} 笔，借款 {owing[0].number}）"
        return f"{_yuan(self.penalty)}（{len(owing)} / {len(self.loans)} 笔：{parts}）"

    @property
    def overdue(self) -> tuple[LoanFacts, ...]:
        return tuple(loan for loan in self.loans if loan.overdue_days > 0)


def clean_text(text: str) -> str:
    """What was typed, without NUL and outer blanks; 1 to 1,000 characters or InvalidInput("text")."""
    plain = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if not plain:
        raise InvalidInput("text", "请先输入内容再发送")
    if len(plain) > MAX_TEXT:
        raise InvalidInput("text", f"消息最多 {MAX_TEXT} 字，现在有 {len(plain)} 字，请分几次发送")
    return plain


def topic_of(text: str) -> Topic | None:
    """The topic a text means, by its label or its words: "罚息怎么算的？" → PENALTY."""
    plain = text.strip()
    for topic, label in TOPIC_LABELS.items():
        if plain == label:
            return topic
    return next((topic for topic, words in _WORDS if any(word in plain for word in words)), None)


def greeting(facts: BotFacts) -> str:
    """林*云，晚上好。你的借呗有 2 期逾期，当前罚息 ¥80.90。我可以帮你：

    With an application under way, or expired, its next step, and by when, stands before the offer to help.
    """
    hello = f"{facts.name}，{_time_of_day(facts.hour)}好。"
    offer = "我可以帮你："
    if facts.case is not None and facts.case.waits:
        offer = f"{_progress(facts)}{offer}"
    if not facts.loans:
        return f"{hello}你目前没有未结清的借款。{offer}"
    if not facts.overdue:
        return f"{hello}你的借呗目前没有逾期，没有罚息。{offer}"
    count = sum(loan.overdue_count for loan in facts.overdue)
    return f"{hello}你的借呗有 {count} 期逾期，当前罚息 {facts.penalty_words}。{offer}"


def quick(*, waits: bool) -> tuple[Topic, ...]:
    """The quick questions: the progress first where an application waits for the borrower, else applying."""
    return QUICK_WHERE_ONE_WAITS if waits else QUICK


def reply(topic: Topic | None, facts: BotFacts) -> str:
    """The answer to a topic; None gets the way to the questions and to a person."""
    if topic is None:
        return "这个问题我还不会回答。你可以点下面的问题，或点「转人工」由客服回复。"
    return {
        Topic.APPLY: _apply,
        Topic.PENALTY: _penalty,
        Topic.PROGRESS: _progress,
        Topic.HUMAN: _human,
        Topic.QUALIFY: _qualify,
        Topic.DURATION: _duration,
        Topic.STILL_REPAY: _still_repay,
        Topic.DISLIKE: _dislike,
    }[topic](facts)


def _apply(facts: BotFacts) -> str:
    if facts.case is not None and facts.case.is_open:
        return f"你已有申请 {facts.case.number}（{facts.case.state_label}）。{facts.case.next_step}"
    if not facts.overdue:
        return "你目前没有罚息，不需要申请减免。以后如果遇到困难，随时可以来这里申请。"
    return (
        "可以的。请准备能说明情况的材料，如医疗证明、收入证明。"
        f"提交后 {facts.rules.review_span} 个工作日内完成审核，期间暂停催收，你随时可以还款。"
        "减免以审核结果为准。"
    )


def _penalty(facts: BotFacts) -> str:
    overdue = facts.overdue
    if not overdue:
        return "你目前没有罚息。逾期后，罚息按逾期本金 × 罚息日利率 × 逾期天数计算，每期分别计算。"
    lines = ["罚息 = 逾期本金 × 罚息日利率 × 逾期天数，每期分别计算，到还款当天为止："]
    for loan in overdue:
        if len(overdue) > 1:
            lines.append(f"借款 {loan.number}：")
        for part in loan.story.instalments if loan.story else ():
            if part.overdue_days > 0 and part.segments:
                lines.append(_formula(part))
    per_day = sum((loan.per_day for loan in overdue), Decimal("0.00"))
    lines.append(f"目前应付罚息 {facts.penalty_words}，再过一天约增加 {_yuan(per_day)}。")
    return "\n".join(lines)


def _formula(part: InstalmentPenalty) -> str:
    """第 4 期：1,603.65 × 0.075% × 49 天 = 58.93 元."""
    terms = [
        f"{segment.base:,.2f} × {_percent(segment.rate_shown)} × {segment.days} 天"
        for segment in part.segments
    ]
    segments = " + ".join(terms[:SHOWN_SEGMENTS]) + (" + …" if len(terms) > SHOWN_SEGMENTS else "")
    capped = "（已按上限减少）" if part.capped_part > 0 else ""
    return f"第 {part.number} 期：{segments} = {part.total:,.2f} 元{capped}"


def _progress(facts: BotFacts) -> str:
    if facts.case is None:
        return "你还没有提交过减免申请。点「申请罚息减免」就可以开始，填写中途会自动保存。"
    return f"申请 {facts.case.number}：{facts.case.state_label}。{facts.case.next_step}"


def _human(facts: BotFacts) -> str:
    return "好的，正在为你转接人工客服。"


def _qualify(facts: BotFacts) -> str:
    if not facts.loans:
        return "你目前没有未结清的借款，不需要申请。"
    if not facts.overdue:
        return "你目前没有逾期，没有罚息可以减免。"
    days = max(loan.overdue_days for loan in facts.overdue)
    return (
        f"你有逾期 {days} 天的借款，当前罚息 {facts.penalty_words}，可以申请。"
        "是否减免、减免多少，看你的实际困难和还款意愿：请如实说明原因，并上传至少一份证明材料。"
    )


def _duration(facts: BotFacts) -> str:
    if facts.case is not None and facts.case.is_open:
        return f"你的申请 {facts.case.number} 现在是「{facts.case.state_label}」。{facts.case.next_step}"
    return (
        f"提交后 {facts.rules.review_workdays} 个工作日内"
        f"（到当天 {facts.rules.review_deadline_time}）给出审核结果，用短信和消息告诉你。"
        "如果我们超时，超时期间的罚息会在方案里免去。"
    )


def _still_repay(facts: BotFacts) -> str:
    return (
        "需要。减免的是罚息等费用，本金仍要按新的还款计划归还；再次逾期会重新产生罚息，"
        "并影响信用记录。减免只减少应还金额，不等于删除逾期记录。"
    )


def _dislike(facts: BotFacts) -> str:
    return (
        "可以不接受，并写下你的还款建议（减免金额、每月可还、期数或首期日期），"
        f"最多 {facts.rules.max_rounds} 次，客服会在 {facts.rules.reply_workdays} 个工作日内答复。"
        "拒绝或过期不影响再次协商。"
    )


def next_opening(now: datetime, calendar: WorkCalendar) -> datetime | None:
    """When staff are back, or None when they are there: working days 9:00–18:00 (Shanghai time).

    Example: Monday 2026-11-23 20:08 → 2026-11-24 09:00; Monday 10:00 → None. `now` is local.
    """
    today = now.date()
    if calendar.is_working(today) and now.time() < DESK_CLOSES:
        if now.time() >= DESK_OPENS:
            return None
        return datetime.combine(today, DESK_OPENS, tzinfo=now.tzinfo)
    day = _next_working(today, calendar)
    return datetime.combine(day, DESK_OPENS, tzinfo=now.tzinfo)


def _next_working(day: date, calendar: WorkCalendar) -> date:
    day += timedelta(days=1)
    while not calendar.is_working(day):
        day += timedelta(days=1)
    return day


def queue_text(ahead: int, opens: str) -> str:
    """What is said when a person was asked for: out of hours, waiting, or next in line."""
    if opens:
        return f"已过受理时间，{opens} 起由人工客服回复；你可以先留言"
    return f"已转人工，排队中，前面 {ahead} 人" if ahead else "已转人工，马上为你接入"


def labels(topics: Sequence[Topic]) -> list[tuple[str, str]]:
    """(value, label) of topics, for chips."""
    return [(topic.value, TOPIC_LABELS[topic]) for topic in topics]


def choice_text(loan: LoanFacts) -> str:
    """What stands over the card of one loan when there are several to choose from."""
    return f"借款 {loan.number}：逾期 {loan.overdue_count} 期，当前罚息 {_yuan(loan.penalty)}。"


def _time_of_day(hour: int) -> str:
    if hour < 6 or hour >= 18:
        return "晚上"
    return "早上" if hour < 12 else "下午"


def _yuan(amount: Decimal) -> str:
    return f"¥{amount:,.2f}"


def _percent(rate: Decimal) -> str:
    """0.0006 → 0.06%; at most six places: 0.000657534247 → 0.065753%."""
    text = f"{(rate * 100).quantize(Decimal('0.000001')):f}".rstrip("0").rstrip(".")
    return f"{text}%"
