"""Why a segment begins and ends, as the sentence the borrower reads."""

from __future__ import annotations

from datetime import date

from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts
from loans.domain.penalty._accrual import Run
from loans.domain.penalty._tracks import BalanceReduction
from loans.domain.profile import ProductProfile


def begin_reason(profile: ProductProfile, fact: InstalmentFacts, run: Run) -> str:
    """Why the base or the rate is what it is from this day on."""
    text = _begin(profile, fact, run)
    if run.price.is_cut:
        text += "；按年化上限封顶"
    return text


def _begin(profile: ProductProfile, fact: InstalmentFacts, run: Run) -> str:
    mark = run.begin
    if isinstance(mark, BalanceReduction):
        return f"{_change(mark)}，计收基数变为 {_yuan(run.base)} 元"
    if mark == "due":
        return _due(profile, fact, run)
    if mark == "other":
        return "其他期次逾期，剩余未到期本金同时计收上浮部分"
    if mark == "room":
        return "本借款未还本金有变化，可计收的上限随之变化"
    if mark == "resume":
        return "暂停计收结束，恢复计收"
    return f"暂停计收：{mark.removeprefix('pause:')}"


def _due(profile: ProductProfile, fact: InstalmentFacts, run: Run) -> str:
    if fact.penalty_from is not None and fact.penalty_from != fact.due_on:
        return f"自 {fact.penalty_from} 起计收，不向前追溯"
    unpaid = "利息" if run.component is Component.COMPOUND else "款项"
    text = f"到期日 {fact.due_on} 未还足{unpaid}"
    if profile.grace_days and profile.grace_retroactive:
        return f"{text}，已超过 {profile.grace_days} 天宽限期，自到期日起计收"
    if profile.grace_days:
        return f"{text}，{profile.grace_days} 天宽限期已满，此后计收"
    if profile.penalty_start_offset:
        return f"{text}，按合同推后 {profile.penalty_start_offset} 天起计收"
    return f"{text}，次日起计收" if not profile.as_of_inclusive else f"{text}，当日起计收"


def end_reason(fact: InstalmentFacts, run: Run, last_day: date) -> str:
    """Why it ends on this day."""
    mark = run.finish
    if isinstance(mark, BalanceReduction):
        done = mark.fen == run.base
        return _change(mark) + ("，已还清" if done else "")
    if mark == "room":
        return "可计收的上限变化"
    if mark == "resume":
        return "暂停计收结束"
    if mark.startswith("pause:"):
        return f"暂停计收：{mark.removeprefix('pause:')}"
    if last_day == fact.closed_on:
        return f"{last_day} 本金转入新的还款计划，本期不再计收"
    return f"计至 {last_day}"


_VERBS = {
    "payment": "还款",
    "waiver": "减免",
    "adjustment": "调整",
    "mixed": "还款、减免或调整",
}


def _change(event: BalanceReduction) -> str:
    verb = _VERBS[event.kind]
    return f"{date.fromordinal(event.on)} {verb} {_yuan(event.fen)} 元"


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"
