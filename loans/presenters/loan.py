"""One loan in words: its card in a list, its head, its 还款计划."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.domain.components import LABELS, Component
from loans.domain.profile import Method
from loans.models import Loan, Schedule
from loans.presenters import rules, wording
from loans.queries.stage import LoanStage
from loans.queries.types import Debt, InstalmentDebt, InstalmentState
from portal.core.kernel.money import ZERO

C = Component
ROW_PARTS = (
    *(C.PRINCIPAL, C.INTEREST, C.KEPT_INTEREST),
    *(C.KEPT_PENALTY, C.PENALTY, C.COMPOUND, C.FEE),
)
ALL_DUE = "已全部到期"
METHODS = {
    Method.EQUAL_INSTALMENT: "等额本息",
    Method.EQUAL_PRINCIPAL: "等额本金",
    Method.INTEREST_ONLY: "先息后本",
    Method.BALLOON: "等额本息（末期另还尾款）",
}


@dataclass(frozen=True, slots=True)
class LoanName:
    """What a loan is called wherever an amount of it stands beside those of others."""

    number: str
    place: str = ""  # 第 1 / 3 笔; nothing for a loan that is the only one

    @property
    def full(self) -> str:
        """第 1 / 3 笔 · 借款 JB…."""
        return f"{self.place} · 借款 {self.number}" if self.place else f"借款 {self.number}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a loan is repaid, in instalments of the schedule in force."""

    paid: int
    count: int
    is_counted: bool

    @property
    def words(self) -> str:
        """已还 3/12 期, or 已全部到期 after a breach: all that is left is one sum."""
        return f"已还 {self.paid}/{self.count} 期" if self.is_counted else ALL_DUE


@dataclass(frozen=True, slots=True)
class LoanCard:
    """One loan in 我的借款."""

    loan: Loan
    stage: LoanStage
    name: LoanName
    facts: str
    progress: Progress | None  # None of a settled loan
    debt: Debt
    is_settled: bool


def loan_card(loan: Loan, debt: Debt, stage: LoanStage, name: LoanName | None = None) -> LoanCard:
    """The card of a loan with its progress, or of a settled one."""
    name = name or LoanName(loan.number)
    facts = f"{wording.full_day(loan.drawdown_on)}借款 · {loan.term_months} 期"
    if loan.is_settled:
        settled = f" · {wording.full_day(loan.settled_on)}结清" if loan.settled_on else ""
        return LoanCard(loan, stage, name, facts + settled, None, debt, is_settled=True)
    facts = f"{facts}{METHODS[loan.terms.method]} · {rules.rate_words(loan.terms)}"
    return LoanCard(loan, stage, name, facts, progress(debt), debt, is_settled=False)


def places(pairs: Sequence[tuple[Loan, Debt]]) -> dict[int, LoanName]:
    """The names of a borrower's unsettled loans by id, in the order of 我的借款."""
    active = [loan for loan, _ in pairs if not loan.is_settled]
    if len(active) == 1:
        return {active[0].pk: LoanName(active[0].number)}
    return {
        loan.pk: LoanName(loan.number, f"第 {number} / {len(active)} 笔")
        for number, loan in enumerate(active, 1)
    }


@dataclass(frozen=True, slots=True)
class SumOfAll:
    """One amount summed over a borrower's loans: amount = the parts that `words` names."""

    amount: Decimal
    words: str


def penalty_of_all(pairs: Sequence[tuple[Loan, Debt]]) -> SumOfAll | None:
    """罚息 over all unsettled loans as a sum of named parts; None for one loan alone."""
    names = places(pairs)
    if len(names) < 2:
        return None
    active = [(loan, debt) for loan, debt in pairs if loan.pk in names]
    named_parts = " + ".join(f"{names[loan.pk].place} {debt.penalty:,.2f}" for loan, debt in active)
    return SumOfAll(sum((debt.penalty for _, debt in active), ZERO), named_parts)


def progress(debt: Debt) -> Progress:
    """Of the schedule in force; what a breach made due at once is not counted in instalments."""
    rows = [row for row in debt.instalments if row.state is not InstalmentState.CLOSED]
    return Progress(
        paid=sum(row.state is InstalmentState.PAID for row in rows),
        count=len(rows),
        is_counted=debt.base_kind != Schedule.Kind.BREACHED,
    )


def without_penalty(row: InstalmentDebt) -> Decimal:
    """What the instalment costs beside its penalty, which has a line of its own."""
    return row.total - row.penalty - row.compound


def praise(debt: Debt) -> str:
    """第 3 期已于 9月5日按时还清，连续 3 期按时还款。 Nothing without such a run."""
    streak: list[InstalmentDebt] = []
    for row in debt.instalments:
        if row.state is InstalmentState.PAID and row.last_paid_on is not None:
            streak = [*streak, row] if row.last_paid_on <= row.due_on else []
    if not streak:
        return ""
    last_paid = streak[-1]
    paid_when = wording.near_day(last_paid.last_paid_on or last_paid.due_on, debt.as_of)
    streak_words = f"，连续 {len(streak)} 期按时还款" if len(streak) > 1 else ""
    return f"第 {last_paid.number} 期已于 {paid_when}按时还清{streak_words}。"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One row of a plan list, named as ui/_plan_list.html takes it."""

    number: int
    due_on: date | None
    total: Decimal
    state: str = ""
    tag: str = ""
    tag_tone: str = ""
    note: str = ""
    title: str = ""


def plan_lines(debt: Debt) -> list[PlanLine]:
    """The schedule in force, every row with its state in words."""
    ahead = debt.next_due
    return [_plan_line(row, debt.as_of, is_next=row == ahead) for row in debt.instalments]


def _plan_line(row: InstalmentDebt, today: date, *, is_next: bool) -> PlanLine:
    notes = [_parts(row)] if row.total else []
    if row.paid and row.total:
        notes.append(f"已还 {wording.yuan(row.paid)}")
    state, tag, tone, total = "", "", "", row.total
    if row.state is InstalmentState.PAID:
        notes = [f"{wording.near_day(row.last_paid_on, today)}已还"] if row.last_paid_on else []
        state, tag, tone, total = "paid", "已还", "s", row.paid or row.scheduled
    elif row.state is InstalmentState.OVERDUE:
        state, tag, tone = "od", f"逾期 {row.overdue_days} 天", "d"
    elif row.state is InstalmentState.DUE:
        in_grace = row.due_on < today  # the product's own days of grace
        state, tag, tone = "next", "宽限期内" if in_grace else "今日到期", "w"
    elif is_next:
        state, tag, tone = "next", "下一期", "b"
    note = " · ".join(filter(None, notes))
    title = f"{wording.full_day(row.due_on)} 追加应还" if row.is_added else ""
    return PlanLine(row.number, row.due_on, total, state, tag, tone, note, title)


def _parts(row: InstalmentDebt) -> str:
    """本金 1,024.01 保留利息 27.55 罚息 1.79: every column of the row, each under its own word."""
    parts = ((LABELS[one], row.parts[one]) for one in ROW_PARTS)
    return " ".join(
        f"{name}\N{NO-BREAK SPACE}{wording.yuan(amount)}" for name, amount in parts if amount
    )
