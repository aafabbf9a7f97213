"""The whole portfolio as of a date, to the fen, by the formulas of one loan.

Nothing is stored for it and no job runs before: figures of any date follow from the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from loans.domain.risk import RiskRules, bucket_of
from loans.models import Account, Instalment, Loan, Schedule
from loans.queries.debt import owed_in_all, owed_rows
from loans.queries.penalty import penalty_owed
from loans.queries.plan import plan_vesting
from loans.queries.stream import Lean, stream_standings
from portal.core.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class PortfolioPenalty:
    """Sums in yuan: loans with a due date passed, those that owe penalty, and how much."""

    as_of: date
    loans: int
    owing: int
    penalty: Decimal


def loans_outstanding(on: date) -> QuerySet[Loan]:
    """Loans that were drawn and not settled on ``on``."""
    unsettled = Q(settled_on__isnull=True) | Q(settled_on__gt=on)
    return Loan.objects.filter(unsettled, drawdown_on__lte=on)


def loans_past_due(on: date) -> QuerySet[Loan]:
    """Those of them that have an instalment due before it."""
    passed = Instalment.objects.filter(schedule__loan=OuterRef("pk"), due_on__lt=on)
    return loans_outstanding(on).filter(Exists(passed))


def each_penalty(on: date) -> Iterator[tuple[int, Decimal]]:
    """The id of every loan past due and the penalty (and compound) it owes, in four queries."""
    with transaction.atomic():
        for loan_id, standing in stream_standings(loans_past_due(on), on):
            yield loan_id, penalty_owed(standing, on)


def portfolio_penalty(on: date) -> PortfolioPenalty:
    """Outstanding penalty (and compound) of all loans as of a date, exact to the fen.

    The sum of ``load_debt(loan, on).penalty`` over the loans; nothing is stored, no job ran before.
    Memory does not grow with the number of loans. Example: one loan of loans/RULES.md §3 on
    2023-09-20: loans 1, owing 1, penalty 110.21.
    """
    loans = owing = 0
    total = ZERO
    for _, penalty in each_penalty(on):
        loans += 1
        owing += penalty > ZERO
        total += penalty
    return PortfolioPenalty(as_of=on, loans=loans, owing=owing, penalty=total)


RESTRUCTURED = frozenset({Schedule.Kind.PLAN.value, Schedule.Kind.BREACHED.value})


@dataclass(frozen=True, slots=True)
class PortfolioSums:
    """Figures of loans in yuan; they add up, column by column.

    Kept columns stand with their kind. ``in_plan`` is the part of the total that is owed under a
    plan in force; ``waived`` is what was waived and has not come back, ``vested`` that part of it
    which a breach on that date would leave.
    """

    loans: int = 0
    principal: Decimal = ZERO
    interest: Decimal = ZERO  # due, kept included
    penalty: Decimal = ZERO  # kept and compound included
    fee: Decimal = ZERO
    in_plan: Decimal = ZERO
    waived: Decimal = ZERO
    vested: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """All that is owed: principal + interest + penalty + fee."""
        return self.principal + self.interest + self.penalty + self.fee

    @classmethod
    def summed(cls, several: Iterable[PortfolioSums]) -> PortfolioSums:
        """Column by column; nothing is zero loans."""
        found = list(several)
        amounts = {
            name: sum((getattr(one, name) for one in found), ZERO) for name in AMOUNT_COLUMNS
        }
        return cls(loans=sum(one.loans for one in found), **amounts)


AMOUNT_COLUMNS = tuple(one.name for one in fields(PortfolioSums) if one.name != "loans")


@dataclass(frozen=True, slots=True)
class LoanFigures:
    """One loan in the portfolio of a date."""

    loan_id: int
    overdue_days: int
    restructured: bool  # a plan was agreed and is in force, or broke
    sums: PortfolioSums

    @property
    def bucket(self) -> str:
        return bucket_of(self.overdue_days)

    def class_by(self, rules: RiskRules) -> str:
        return rules.class_of(self.overdue_days, restructured=self.restructured).value


def each_loan(on: date, loans: QuerySet[Loan] | None = None) -> Iterator[LoanFigures]:
    """Every loan outstanding on a date (or of a choice) with its figures, by id, in four queries.

    Parts and days are those of ``load_debt(loan, on)``. Memory does not grow with the number of loans.
    Example: loan L of loans/RULES.md on 2023-09-20: 6,000.00, 110.12, 110.21; 72 days, M3.
    """
    chosen = loans_outstanding(on) if loans is None else loans
    with transaction.atomic():
        for loan_id, books in stream_standings(chosen, on, whole=True):
            yield _figures(loan_id, books, on)


def _figures(loan_id: int, books: Lean, on: date) -> LoanFigures:
    rows = owed_rows(books, books.penalties(on), on)
    parts = owed_in_all(rows, on).with_kept_joined
    vesting = plan_vesting(books, on)
    waived = sum((books.balance(pk, Account.WAIVER, on) for pk in books.moves), ZERO)
    sums = PortfolioSums(
        loans=1,
        principal=parts.principal,
        interest=parts.interest,
        penalty=parts.penalty + parts.compound,
        fee=parts.fee,
        in_plan=parts.total if vesting else ZERO,
        waived=waived,
        vested=waived - vesting.returned if vesting else waived,
    )
    return LoanFigures(
        loan_id=loan_id,
        overdue_days=max((one.overdue_days for one in rows), default=0),
        restructured=books.base(on).kind in RESTRUCTURED,
        sums=sums,
    )
