"""借呗 home: the most urgent loan in front, totals over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.domain.profile import RateKind
from loans.models import Loan
from loans.presenters import wording
from loans.presenters.loan import (
    LoanCard,
    loan_card,
    overdue_rows,
    praise,
    progress,
    without_penalty,
)
from loans.queries.types import Debt, InstalmentDebt
from portal.core.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class DueRow:
    """One instalment of 本期应还, its penalty left to a row of its own."""

    number: int
    due_on: date
    overdue_days: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Focus:
    """The loan in front: what is due on it and how far it is paid."""

    loan: Loan
    debt: Debt
    rows: tuple[DueRow, ...]
    penalty: Decimal
    paid_count: int
    count: int
    praise: str
    yearly_rate: str
    next_due: InstalmentDebt | None


@dataclass(frozen=True, slots=True)
class HomeView:
    """Everything of the page; `focus` None means nothing is owed."""

    today: date
    focus: Focus | None
    is_overdue: bool
    several: bool
    total: Decimal
    principal: Decimal
    interest: Decimal
    penalty: Decimal
    cards: tuple[LoanCard, ...]


def home_view(pairs: Sequence[tuple[Loan, Debt]], today: date) -> HomeView:
    """Every loan of the borrower with its debt; settled ones only have a card."""
    active = [(loan, debt) for loan, debt in pairs if not loan.is_settled]
    front = min(active, key=_urgency, default=None)
    each = [debt for _, debt in active]
    return HomeView(
        today=today,
        focus=_focus(*front) if front else None,
        is_overdue=any(debt.is_overdue for debt in each),
        several=len(active) > 1,
        total=sum((debt.total for debt in each), ZERO),
        principal=sum((debt.principal for debt in each), ZERO),
        interest=sum((debt.interest + debt.kept_interest for debt in each), ZERO),
        penalty=sum((_penalty(debt) for debt in each), ZERO),
        cards=tuple(loan_card(loan, debt) for loan, debt in pairs),
    )


def _urgency(pair: tuple[Loan, Debt]) -> tuple[int, date, int]:
    loan, debt = pair
    due_on = debt.next_due.due_on if debt.next_due else date.max
    return (-debt.overdue_days, due_on, loan.pk)


def _penalty(debt: Debt) -> Decimal:
    return debt.penalty + debt.compound + debt.fee + debt.kept_penalty


def _focus(loan: Loan, debt: Debt) -> Focus:
    rows = overdue_rows(debt)
    done, count = progress(debt)
    profile = loan.terms
    basis = f"单利，按 {profile.cap_year_basis} 天计"
    if profile.rate_kind is RateKind.ANNUAL:
        basis = f"日息按年利率 ÷ {profile.year_basis}"
    return Focus(
        loan=loan,
        debt=debt,
        rows=tuple(
            DueRow(row.number, row.due_on, row.overdue_days, without_penalty(row)) for row in rows
        ),
        penalty=sum((row.penalty + row.compound for row in rows), ZERO),
        paid_count=done,
        count=count,
        praise=praise(debt),
        yearly_rate=f"年利率 {wording.percent(profile.yearly_rate)}（{basis}）",
        next_due=debt.next_due,
    )
