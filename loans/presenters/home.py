"""借呗 home: the most urgent loan in front, totals over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.domain.profile import RateKind
from loans.models import Loan
from loans.presenters import wording
from loans.presenters.amounts import Figure, PenaltyAll, parts_of, penalty_all, sum_words
from loans.presenters.loan import (
    LoanCard,
    LoanName,
    Progress,
    loan_card,
    places,
    praise,
    progress,
    without_penalty,
)
from loans.queries.stage import LoanStage, stages
from loans.queries.types import Debt, InstalmentDebt
from portal.core.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class DueRow:
    """One instalment of 本期应还, its penalty left to a row of its own."""

    number: int
    due_on: date
    overdue_days: int
    amount: Decimal
    tag: str


@dataclass(frozen=True, slots=True)
class Focus:
    """The loan in front: what is due on it and how far it is paid."""

    loan: Loan
    debt: Debt
    stage: LoanStage
    name: LoanName
    rows: tuple[DueRow, ...]
    penalty: Decimal  # on the rows due, compound included: its own line of 本期应还
    penalty_all: PenaltyAll | None
    progress: Progress
    praise: str
    yearly_rate: str
    next_due: InstalmentDebt | None


@dataclass(frozen=True, slots=True)
class HomeView:
    """Everything of the page; `focus` None means nothing is owed."""

    today: date
    focus: Focus | None
    owed_now: bool
    count: int  # loans that are not settled
    total: Decimal
    parts: tuple[Figure, ...]
    cards: tuple[LoanCard, ...]

    @property
    def several(self) -> bool:
        return self.count > 1

    @property
    def sum_words(self) -> str:
        """What 总待还 is the sum of."""
        return sum_words(self.parts)


def home_view(pairs: Sequence[tuple[Loan, Debt]], today: date) -> HomeView:
    """Every loan of the borrower with its debt; settled ones only have a card."""
    active = [(loan, debt) for loan, debt in pairs if not loan.is_settled]
    loan_stages, names = stages(pairs), places(pairs)
    most_urgent = min(
        active, key=lambda pair: _urgency(pair, loan_stages[pair[0].pk]), default=None
    )
    debts = [debt for _, debt in active]
    return HomeView(
        today=today,
        focus=_focus(*most_urgent, loan_stages[most_urgent[0].pk], names[most_urgent[0].pk])
        if most_urgent
        else None,
        owed_now=any(loan_stages[loan.pk].owed_now for loan, _ in active),
        count=len(active),
        total=sum((debt.total for debt in debts), ZERO),
        parts=parts_of(debts),
        cards=tuple(
            loan_card(loan, debt, loan_stages[loan.pk], names.get(loan.pk)) for loan, debt in pairs
        ),
    )


def _urgency(pair: tuple[Loan, Debt], stage: LoanStage) -> tuple[bool, int, date, int]:
    """What is owed now comes first, the longest delay of it in front; then the next date."""
    loan, debt = pair
    return (not stage.owed_now, -debt.overdue_days, debt.first_due_on, loan.pk)


def _focus(loan: Loan, debt: Debt, stage: LoanStage, name: LoanName) -> Focus:
    rows = debt.due_rows
    profile = loan.terms
    basis = f"单利，按 {profile.cap_year_basis} 天计"
    if profile.rate_kind is RateKind.ANNUAL:
        basis = f"日息按年利率 ÷ {profile.year_basis}"
    return Focus(
        loan=loan,
        debt=debt,
        stage=stage,
        name=name,
        rows=tuple(
            DueRow(
                row.number,
                row.due_on,
                row.overdue_days,
                without_penalty(row),
                "今日到期" if row.due_on == debt.as_of else "宽限期内",
            )
            for row in rows
        ),
        penalty=sum((row.penalty + row.compound for row in rows), ZERO),
        penalty_all=penalty_all(debt),
        progress=progress(debt),
        praise=praise(debt),
        yearly_rate=f"年利率 {wording.percent(profile.yearly_rate)}（{basis}）",
        next_due=debt.next_due,
    )
