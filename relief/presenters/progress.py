"""The progress page of a case: steps, clock, history and papers in the borrower's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from portal.core.kernel.businesstime import business_date, in_shanghai, instant_at
from portal.core.kernel.roles import RANK_LABELS, Role
from portal.core.kernel.workdays import WorkCalendar
from portal.core.models import Delivery
from relief.cases.models import Case
from relief.cases.notices import AuditEvent
from relief.cases.queries import BrokenPromise, TimelineEntry
from relief.cases.reasons import REJECTIONS, RejectCode
from relief.cases.workflow import TURN, Action, State
from relief.evidence.kinds import DAYS_AFTER_REFUSAL, DAYS_AFTER_SETTLEMENT
from relief.evidence.models import Evidence
from relief.presenters.case import CaseView, actor_label, event_label, is_public

STEPS = ("提交", "审核", "协商", "执行", "结清")
STOPPED = frozenset(
    {State.REJECTED, State.DECLINED, State.EXPIRED, State.WITHDRAWN, State.BREACHED}
)
DONE = frozenset({State.COMPLETED, State.SETTLED})
REVIEW = frozenset({State.SUBMITTED, State.IN_REVIEW})
CIRCLE = 151  # length of the ring's line, in its own units
PROMISED = {
    State.SUBMITTED: "完成审核",
    State.IN_REVIEW: "完成审核",
    State.NEGOTIATING: "给你协商方案",
    State.AWAITING_APPROVAL: "给你协商方案",
    State.COUNTERED: "答复你的还款建议",
}
OWN_WORDS: dict[str, str] = {
    Action.CLAIM: "申请已受理",
    Action.ASK_PROOF: "客服请求补充材料",
    Action.APPROVE: "发出协商方案",
    Action.PASS: "审核通过",
    Action.REJECT: "审核未通过",
    AuditEvent.REVIEW_MISSED: "我们没能按时给出审核结果",
    AuditEvent.PROMISE_MISSED: "我们没能按时答复",
    AuditEvent.OFFER_OPENED: "你打开了方案",
    AuditEvent.EVIDENCE_OPENED: "查看你的材料",
}
TONES: dict[str, str] = {
    Action.ASK_PROOF: "wn",
    Action.REJECT: "bad",
    Action.EXPIRE: "bad",
    Action.BREACH: "bad",
    Action.REVOKE: "bad",
    Action.WARN: "wn",
    AuditEvent.REVIEW_MISSED: "wn",
    AuditEvent.PROMISE_MISSED: "wn",
    AuditEvent.REMINDER_SKIPPED: "wn",
    AuditEvent.PLAN_LATE: "wn",
    AuditEvent.CORRECTED: "wn",
    Action.UNSETTLE: "wn",
}


@dataclass(frozen=True, slots=True)
class ProgressStep:
    """One stage for ui/forms/_steps.html; a state wins over the number."""

    label: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """What we promised and how it stands: running, late or paused; `broken` in their order."""

    kind: str
    promise: str
    due_at: datetime | None
    is_review: bool
    parts: tuple[tuple[int, str], ...]
    ring: str
    new_promise: datetime | None
    waived: Decimal
    workdays_left: int
    broken: tuple[BrokenPromise, ...] = ()

    @property
    def handler(self) -> str:
        """Who has it now: 主管, 经理, or nobody above the one in charge yet."""
        return RANK_LABELS[self.broken[-1].rank] if self.broken else ""


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One line of ui/_timeline.html."""

    title: str
    text: str
    at: datetime
    tone: str
    strong: bool


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why not, what would change it, and from when to ask again."""

    name: str
    text: str
    advice: str
    reapply_on: date | None


def steps(view: CaseView) -> tuple[ProgressStep, ...]:
    """提交 → 审核 → 协商 → 执行 → 结清, with a cross where it ended."""
    state = State(view.state)
    stages = []
    for number, label in enumerate(STEPS, 1):
        if state in DONE or number < view.step:
            stages.append(ProgressStep(label, "done"))
        elif number == view.step:
            stages.append(ProgressStep(label, "stop" if state in STOPPED else "cur"))
        else:
            stages.append(ProgressStep(label))
    return tuple(stages)


def clock_of(
    case: Case,
    now: datetime,
    calendar: WorkCalendar,
    waived: Decimal,
    broken: Sequence[BrokenPromise] = (),
) -> Clock | None:
    """The countdown card; None where nobody at our side has promised anything."""
    state = State(case.state)
    if state == State.NEED_MORE and case.clock_stopped_at is not None:
        workdays = case.remaining_workdays or 1
        return Clock("paused", "审核", None, True, (), "0 151", None, waived, workdays)
    if state not in PROMISED:
        return None
    is_review = state in REVIEW
    due = broken[0].promised_at if broken else case.next_due_at
    if due is None:
        return None
    late = due <= now
    renewed = case.next_due_at if late and case.next_due_at and case.next_due_at > now else None
    return Clock(
        kind="late" if late else "running",
        promise=PROMISED[state],
        due_at=due,
        is_review=is_review,
        parts=work_time_left(now, due, calendar),
        ring=_ring(case.submitted_at, due, now),
        new_promise=renewed,
        waived=waived,
        workdays_left=calendar.working_days_between(business_date(now), business_date(due)),
        broken=tuple(broken),
    )


def work_time_left(
    now: datetime, due: datetime, calendar: WorkCalendar
) -> tuple[tuple[int, str], ...]:
    """Whole working days to come, and the rest of this one: 11-24 15:30 to 11-26 18:00 is
    2 个工作日 2 小时 30 分."""
    if due <= now:
        return ()
    today = business_date(now)
    days = calendar.working_days_between(today, business_date(due))
    end = instant_at(today, in_shanghai(due).time())
    minutes = int((end - now).total_seconds() // 60) if calendar.is_working(today) else 0
    parts = [(days, "个工作日")] if days else []
    if minutes > 0:
        hours, minutes_left = divmod(minutes, 60)
        parts += [(hours, "小时")] if hours else []
        parts += [(minutes_left, "分")]
    return tuple(parts)


def _ring(start: datetime | None, due: datetime, now: datetime) -> str:
    """The part of the ring that has gone by, as a dash pattern."""
    if start is None or due <= start:
        return f"0 {CIRCLE}"
    seconds = int((due - start).total_seconds())
    passed = min(max(int((now - start).total_seconds()), 0), seconds)
    return f"{CIRCLE * passed // seconds} {CIRCLE}"


def timeline_items(entries: list[TimelineEntry]) -> list[TimelineItem]:
    """Every public event with actor and time; what is known of its messages, and no more."""
    public_entries = [entry for entry in entries if is_public(entry.event)]
    return [_item(entry, newest=number == 0) for number, entry in enumerate(public_entries)]


def _item(entry: TimelineEntry, *, newest: bool) -> TimelineItem:
    event = entry.event
    who = actor_label(event, for_staff=False)
    parts = [part for part in (event.note_public, who) if part]
    parts += [_delivery(delivery) for delivery in entry.deliveries]
    title = OWN_WORDS.get(event.action) or event_label(event)
    return TimelineItem(title, " · ".join(parts), event.at, TONES.get(event.action, "ok"), newest)


def _delivery(delivery: Delivery) -> str:
    """短信已送达 138****0001; nothing is claimed that is not known."""
    to = f"{delivery.to[:3]}****{delivery.to[-4:]}"
    return f"{delivery.get_channel_display()}{delivery.status_label} {to}"


def rejection(case: Case) -> Rejection | None:
    """The rejection in full sentences."""
    if case.state != State.REJECTED or not case.reject_code:
        return None
    code = RejectCode(case.reject_code)
    name, standard_text, advice = REJECTIONS[code]
    return Rejection(
        name, case.reject_text or standard_text, case.reject_advice or advice, case.reapply_on
    )


def retention(files: list[Evidence], purge_on: date | None) -> str:
    """How long the files stay, where no date can be known yet; else nothing."""
    if not files or purge_on is not None:
        return ""
    return (
        f"申请未通过或撤回后 {DAYS_AFTER_REFUSAL} 天、结清后 {DAYS_AFTER_SETTLEMENT} 天删除文件，"
        "届时只保留摘要与处理结果。"
    )


def needs_you(case: Case) -> bool:
    """Whether something waits for the borrower here and now."""
    state = State(case.state)
    waiting_states = {State.DRAFT, State.NEED_MORE, State.OFFERED, State.WARNED}
    return TURN[state] == Role.BORROWER and state in waiting_states
