"""How a loan stands today, told once: its stage with badge, sentence and next step.

Every page that shows a loan asks here (我的, 借呗, 还款计划, 查看罚息, 还款, the case and its plan, the
chat). What the guard of an agreed plan knows (days of grace, the stored end of a cure) comes from
whoever watches plans and registered for it; the books alone never guess at it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from loans.domain.breach import PENALTY_AFTER_BREACH
from loans.models import Loan, Schedule
from loans.queries.types import Debt, InstalmentDebt

TWO_MISSED = "连续两期没有还清"  # a warned plan may end at once
SOON = timedelta(days=3)  # so many days before its date an instalment is said to be due soon


class Stage(StrEnum):
    """Where a loan stands; every member has its own words below."""

    UP_TO_DATE = "up_to_date"
    DUE_SOON = "due_soon"
    DUE_TODAY = "due_today"
    IN_GRACE = "in_grace"  # the product's own days of grace, before there is any penalty
    OVERDUE = "overdue"
    ACCELERATED = "accelerated"
    PLAN_ON_TIME = "plan_on_time"
    PLAN_DUE_SOON = "plan_due_soon"
    PLAN_DUE_TODAY = "plan_due_today"
    PLAN_LATE = "plan_late"  # within the plan's days of grace
    PLAN_PAST_GRACE = "plan_past_grace"  # the warning is due and has not been given yet
    PLAN_WARNED = "plan_warned"
    PLAN_ENDING = "plan_ending"  # staff may confirm the breach
    PLAN_BROKEN = "plan_broken"
    PLAN_COMPLETED = "plan_completed"
    BROKEN_SETTLED = "broken_settled"  # all that a broken plan had left is paid
    SETTLED = "settled"


class NextStep(StrEnum):
    """Where the next step is taken."""

    REPAY = "repay"
    DETAIL = "detail"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class StageWords:
    """How a stage is told; the braces are filled from the loan's own figures.

    What stands in brackets names the amount, and is left out where that stands beside it in large.
    An amount that grows is told as of today with what a day adds, whatever the date it may be paid by.
    """

    badge: str
    tone: str  # colour class: d danger, w warning, s success, b brand
    headline: str
    text: str
    button: str
    step: NextStep = NextStep.REPAY


S = Stage
WORDS: dict[Stage, StageWords] = {
    S.UP_TO_DATE: StageWords(
        "正常还款中", "b", "没有逾期，继续保持",
        "到期前还款，不会产生罚息。", "提前还款",
    ),
    S.DUE_SOON: StageWords(
        "还有 {left} 天到期", "w", "第 {number} 期即将到期",
        "请在 {due} 24:00 前还清[ {amount} 元]，不会产生罚息。", "去还款",
    ),
    S.DUE_TODAY: StageWords(
        "今日到期", "w", "今天有一期到期",
        "第 {number} 期今天到期，24:00 前还清[ {amount} 元]，不会产生罚息。", "去还款",
    ),
    S.IN_GRACE: StageWords(
        "宽限期内", "w", "有一期已到期，还在宽限期内",
        "第 {number} 期已于 {due} 到期，请尽快还清[ {amount} 元]；宽限期内还清不收罚息。", "去还款",
    ),
    S.OVERDUE: StageWords(
        "已逾期 {days} 天", "d", "已逾期 {days} 天",
        "第 {number} 期没有按时还清，逾期的本金按天计收罚息{a_day}；还清[ {amount} 元]后停止计收。", "去还款",
    ),
    S.ACCELERATED: StageWords(
        "已提前到期", "d", "这笔借款已宣布提前到期",
        "全部剩余本金已到期[，本期应还 {amount} 元]；逾期的本金按天计收罚息{a_day}。", "去还款",
    ),
    S.PLAN_ON_TIME: StageWords(
        "按新计划还款中", "s", "新还款计划按约执行中",
        "一直按时还款，减免会随已还本金逐步保留。下一期 {due}[应还 {amount} 元]。", "提前还款",
    ),
    S.PLAN_DUE_SOON: StageWords(
        "新计划还有 {left} 天到期", "w", "新还款计划第 {number} 期即将到期",
        "请在 {due} 24:00 前还清[ {amount} 元]，按时还清这一期，减免继续有效。", "去还款",
    ),
    S.PLAN_DUE_TODAY: StageWords(
        "新计划今日到期", "w", "新还款计划今天有一期到期",
        "第 {number} 期今天到期，请在 24:00 前还清[ {amount} 元]，减免继续有效。", "去还款",
    ),
    S.PLAN_LATE: StageWords(
        "新计划有一期未还", "w", "新还款计划第 {number} 期已逾期 {days} 天",
        "这一期已于 {due} 到期，还在宽限期内：请尽快还清[，今天应还 {amount} 元]{grows}{pay_by}；还清后新计划继续有效。", "去还款",
    ),
    S.PLAN_PAST_GRACE: StageWords(
        "新计划逾期", "d", "新还款计划第 {number} 期已逾期 {days} 天",
        "已过宽限期，你会收到违约预警；请马上还清[，今天应还 {amount} 元]{grows}；还清后新计划继续有效。", "去还款",
    ),
    S.PLAN_WARNED: StageWords(
        "有违约风险", "d", "新还款计划已收到违约预警",
        "请在 {cure_by} 24:00 前还清逾期[，今天应还 {amount} 元]{grows}；还清后新计划继续有效。", "去还款",
    ),
    S.PLAN_ENDING: StageWords(
        "新计划即将终止", "d", "新还款计划即将终止",
        "{why}，客服会确认违约；在确认之前还清逾期，新计划继续有效[；今天应还 {amount} 元]{grows}。", "去还款",
    ),
    S.PLAN_BROKEN: StageWords(
        "新计划已终止", "d", "新还款计划已因违约终止",
        "{opened}起剩余欠款全部到期[，本期应还 {amount} 元]；"
        f"{PENALTY_AFTER_BREACH}{{a_day}}。仍可随时还款，还不上请联系客服。", "去还款",
    ),
    S.PLAN_COMPLETED: StageWords(
        "新计划已还清", "s", "新还款计划已全部还清",
        "减免全部保留，结清证明已开出。", "查看结清证明", NextStep.SETTLED,
    ),
    S.BROKEN_SETTLED: StageWords(
        "已结清", "s", "这笔借款已结清",
        "新还款计划已终止，剩余欠款已全部还清，结清证明已开出。", "查看结清证明", NextStep.SETTLED,
    ),
    S.SETTLED: StageWords(
        "已结清", "s", "这笔借款已结清",
        "没有需要还的钱，结清证明已开出。", "查看结清证明", NextStep.SETTLED,
    ),
}  # fmt: skip

SETTLED_AS: dict[str, Stage] = {  # by the schedule that was paid off
    Schedule.Kind.PLAN: S.PLAN_COMPLETED,
    Schedule.Kind.BREACHED: S.BROKEN_SETTLED,
}
OWED_NOW = frozenset(
    {
        S.DUE_TODAY, S.IN_GRACE, S.OVERDUE, S.ACCELERATED, S.PLAN_DUE_TODAY, S.PLAN_LATE,
        S.PLAN_PAST_GRACE, S.PLAN_WARNED, S.PLAN_ENDING, S.PLAN_BROKEN,
    }
)  # fmt: skip
DUE_SOON = frozenset({S.DUE_SOON, S.PLAN_DUE_SOON})


@dataclass(frozen=True, slots=True)
class PlanWatch:
    """What the watch over a plan in force knows of it on the day of the debt."""

    as_of: date
    pay_by: date | None  # last day of grace of the oldest late instalment
    cure_by: date | None  # last day of the cure, from the stored instant of the warning
    two_missed: bool
    may_end: bool  # staff may confirm the breach now

    @property
    def end_reason(self) -> str:
        """Why staff may confirm the breach, as the beginning of a sentence; "" while they may not."""
        if not self.may_end:
            return ""
        if self.two_missed or self.cure_by is None:
            return TWO_MISSED
        return f"补救期已于 {day(self.cure_by, self.as_of)} 24:00 结束"


Pair = tuple[Loan, Debt]
Watcher = Callable[[Sequence[Pair]], Mapping[int, PlanWatch]]
_watchers: list[Watcher] = []


def register(watcher: Watcher) -> None:
    """Register a source of plan watches once (called from AppConfig.ready of a package above)."""
    if watcher not in _watchers:
        _watchers.append(watcher)


@dataclass(frozen=True, slots=True)
class LoanStage:
    """The stage of one loan in words."""

    stage: Stage
    badge: str
    tone: str
    headline: str
    text: str
    text_beside_amount: str  # the same where the amount is printed beside it already
    button: str
    step: NextStep
    watch: PlanWatch | None = None  # of the plan in force

    @property
    def owed_now(self) -> bool:
        """Something is due today or late."""
        return self.stage in OWED_NOW

    @property
    def is_late(self) -> bool:
        """Owed now with tone "d": overdue, warned or broken, not merely due today."""
        return self.owed_now and self.tone == "d"

    @property
    def is_due_soon(self) -> bool:
        return self.stage in DUE_SOON

    @property
    def is_ending(self) -> bool:
        """Staff may confirm the breach of the plan now."""
        return self.stage is Stage.PLAN_ENDING

    @property
    def is_broken(self) -> bool:
        """The agreed plan has ended in a breach and the rest is owed."""
        return self.stage is Stage.PLAN_BROKEN


def stage_of(loan: Loan, debt: Debt) -> LoanStage:
    """The stage of one loan; one query for a loan with a plan in force, none otherwise."""
    return stages([(loan, debt)])[loan.pk]


def stages(
    pairs: Sequence[Pair], watches: Mapping[int, PlanWatch] | None = None
) -> dict[int, LoanStage]:
    """The stage of every loan by its id; one query however many there are, none with `watches`."""
    if watches is None:
        watches = _watched(pairs)
    return {loan.pk: _in_words(loan, debt, watches.get(loan.pk)) for loan, debt in pairs}


def _watched(pairs: Sequence[Pair]) -> dict[int, PlanWatch]:
    """What the watchers know of the plans in force."""
    planned = [(loan, debt) for loan, debt in pairs if debt.is_plan and not loan.is_settled]
    watches: dict[int, PlanWatch] = {}
    if planned:
        for watcher in _watchers:
            watches.update(watcher(planned))
    return watches


def _in_words(loan: Loan, debt: Debt, watch: PlanWatch | None) -> LoanStage:
    stage = _decide(loan, debt, watch)
    words = WORDS[stage]
    figures = _figures(debt, watch)
    return LoanStage(
        stage=stage,
        badge=words.badge.format_map(figures),
        tone=words.tone,
        headline=words.headline.format_map(figures),
        text=re.sub(r"[\[\]]", "", words.text).format_map(figures),
        text_beside_amount=re.sub(r"\[[^\]]*\]", "", words.text).format_map(figures),
        button=words.button,
        step=words.step,
        watch=watch,
    )


def _decide(loan: Loan, debt: Debt, watch: PlanWatch | None) -> Stage:
    if loan.is_settled:
        return SETTLED_AS.get(debt.base_kind, S.SETTLED)
    if debt.base_kind == Schedule.Kind.BREACHED:
        return S.PLAN_BROKEN
    if debt.is_plan:
        return _decide_plan(debt, watch)
    if loan.accelerated_on is not None and loan.accelerated_on <= debt.as_of:
        return S.ACCELERATED
    if debt.is_overdue:
        return S.OVERDUE
    due = debt.due_rows
    if due:
        return S.DUE_TODAY if due[0].due_on == debt.as_of else S.IN_GRACE
    return S.DUE_SOON if _is_soon(debt) else S.UP_TO_DATE


def _decide_plan(debt: Debt, watch: PlanWatch | None) -> Stage:
    if not debt.is_overdue:
        if debt.due_rows:
            return S.PLAN_DUE_TODAY
        return S.PLAN_DUE_SOON if _is_soon(debt) else S.PLAN_ON_TIME
    if watch is None:
        return S.PLAN_LATE
    if watch.may_end:
        return S.PLAN_ENDING
    if watch.cure_by is not None:
        return S.PLAN_WARNED
    in_grace = watch.pay_by is not None and debt.as_of <= watch.pay_by
    return S.PLAN_LATE if in_grace else S.PLAN_PAST_GRACE


def _is_soon(debt: Debt) -> bool:
    """As many days before its date as the plan reminds, or three."""
    ahead = timedelta(days=debt.plan_rules.plan_reminder_days) if debt.plan_rules else SOON
    return debt.next_due is not None and debt.next_due.due_on <= debt.as_of + ahead


def _figures(debt: Debt, watch: PlanWatch | None) -> dict[str, str]:
    """What the sentences are filled with: the rows that are due, else the next one."""
    due = debt.due_rows
    row = due[0] if due else debt.next_due
    amount = debt.due_now if due else (row.total if row else debt.total)
    pay_by = watch.pay_by if watch else None
    cure_by = watch.cure_by if watch else None
    per_day = f"{debt.penalty_per_day:,.2f}" if debt.penalty_per_day else ""
    return {
        "number": numbers_of(due or ([row] if row else [])),
        "days": str(debt.overdue_days),
        "left": str((row.due_on - debt.as_of).days) if row else "",
        "due": day(row.due_on, debt.as_of) if row else "",
        "amount": f"{amount:,.2f}",
        "grows": f"，罚息每天约增加 {per_day} 元" if per_day else "",
        "a_day": f"，每天约增加 {per_day} 元" if per_day else "",
        "pay_by": f"（{day(pay_by, debt.as_of)} 24:00 前不会收到违约预警）" if pay_by else "",
        "cure_by": day(cure_by, debt.as_of) if cure_by else "",
        "why": watch.end_reason if watch else "",
        "opened": day(debt.base_opened_on, debt.as_of),
    }


def numbers_of(rows: Sequence[InstalmentDebt]) -> str:
    """4、5, or 1–9 when there are many."""
    numbers = [str(row.number) for row in rows]
    return "、".join(numbers) if len(numbers) <= 4 else f"{numbers[0]}–{numbers[-1]}"


def day(on: date, today: date) -> str:
    """1月28日, with the year outside this one."""
    short = f"{on.month}月{on.day}日"
    return short if on.year == today.year else f"{on.year}年{short}"
