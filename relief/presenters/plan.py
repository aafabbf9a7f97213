"""How a plan stands, in one word and one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.presenters.history import PlanTerms
from loans.queries import Debt
from portal.core.kernel.money import ZERO
from relief.cases.workflow import State


@dataclass(frozen=True, slots=True)
class Standing:
    """kept, soon, risk, broken or done; with the next amount and date."""

    key: str
    label: str
    tone: str
    text: str
    next_on: date | None
    next_amount: Decimal
    at_stake: Decimal


def standing(state: State, debt: Debt, plan: PlanTerms | None) -> Standing:
    """What the page says on top (relief/RULES.md §8)."""
    late = next((row for row in debt.instalments if row.overdue_days > 0), None)
    ahead = late or debt.next_due
    next_on = ahead.due_on if ahead else None
    amount = debt.due_now if late else (ahead.total if ahead else ZERO)
    stake = plan.returned if plan else ZERO
    key, label, tone, text = _words(state, debt, plan, is_late=late is not None)
    return Standing(key, label, tone, text, next_on, amount, stake)


def _words(
    state: State, debt: Debt, plan: PlanTerms | None, *, is_late: bool
) -> tuple[str, str, str, str]:
    if state == State.COMPLETED:
        return "done", "已全部还清", "s", "新还款计划已全部还清，减免全部保留。"
    if state == State.SETTLED:
        return "broken", "已失效", "w", "剩余欠款已全部还清，结清证明已开出。"
    if state == State.BREACHED:
        return "broken", "已失效", "d", "剩余本金已到期，从失效之日起计收罚息；仍可随时还款。"
    if state == State.WARNED:
        return "risk", "有违约风险", "d", "已收到违约预警，请在补救期内还清逾期的部分。"
    if is_late:
        return "risk", "有一期未还", "w", "还在宽限期内，现在还清，方案继续有效。"
    days = plan.reminder_days if plan else 0
    soon = debt.next_due is not None and (debt.next_due.due_on - debt.as_of).days <= days
    if soon:
        return "soon", "即将到期", "w", "按时还清这一期，减免继续保留。"
    return "kept", "按约执行中", "s", "一直按时还款，减免就会随已还本金逐步兑现。"
