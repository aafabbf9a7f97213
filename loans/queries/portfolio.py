"""The whole portfolio as of a date, to the fen, by the formulas of one loan.

Nothing is stored for it and no job runs before: figures of any date follow from the ledger. Plain loans
are added up by the database (loans/queries/plain.py); of the others the whole books are read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from functools import reduce
from heapq import merge
from operator import add, attrgetter
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from loans.domain.risk import RiskRules, bucket_of
from loans.models import Account, Instalment, Loan, PortfolioLine, PortfolioReport, Schedule
from loans.queries.carrying import WRITTEN_OFF, off_balance, written_off
from loans.queries.debt import owed_in_all, owed_rows
from loans.queries.penalty import penalty_owed
from loans.queries.plain import PlainDebt, parted, plain_debts
from loans.queries.plan import plan_vesting
from loans.queries.stream import ByKey, Lean, keyed, stream_standings
from portal.core.kernel.money import FEN, ZERO
from portal.core.snapshot import snapshot


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
    """The id of every loan past due and the penalty (and compound) it owes, by id, in nine queries."""
    with transaction.atomic():
        plain, others = parted(loans_past_due(on), on)
        yield from merge(
            ((debt.loan_id, debt.penalty * FEN) for debt in plain_debts(plain, on)),
            ((pk, penalty_owed(books, on)) for pk, books in stream_standings(others, on)),
        )


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


MAX_ATTEMPTS = 5  # of counting one chunk, then somebody has to look
RESTRUCTURED = frozenset({Schedule.Kind.PLAN.value, Schedule.Kind.BREACHED.value})


@dataclass(frozen=True, slots=True)
class PortfolioSums:
    """Figures of loans in yuan; they add up, column by column.

    Kept columns stand with their kind. ``in_plan`` is the part of the total that is owed under a
    plan in force; ``waived`` is what was waived and has not come back, ``vested`` that part of it
    which a breach on that date would leave. ``written_off`` and ``off_balance`` are owed all the same.
    """

    loans: int = 0
    principal: Decimal = ZERO
    interest: Decimal = ZERO  # due, kept included
    penalty: Decimal = ZERO  # kept and compound included
    fee: Decimal = ZERO
    in_plan: Decimal = ZERO
    waived: Decimal = ZERO
    vested: Decimal = ZERO
    written_off: Decimal = ZERO  # of the total, and not recovered
    off_balance: Decimal = ZERO  # interest and charges of the total, non-accrual

    @property
    def total(self) -> Decimal:
        """All that is owed: principal + interest + penalty + fee."""
        return self.principal + self.interest + self.penalty + self.fee

    @property
    def amounts(self) -> tuple[Decimal, ...]:
        """In the order of AMOUNT_COLUMNS."""
        amounts: tuple[Decimal, ...] = _amounts_of(self)
        return amounts

    def __add__(self, other: PortfolioSums) -> PortfolioSums:
        return PortfolioSums(self.loans + other.loans, *map(add, self.amounts, other.amounts))

    @classmethod
    def summed(cls, several: Iterable[PortfolioSums]) -> PortfolioSums:
        """Column by column; of nothing it is nothing."""
        return reduce(add, several, cls())


AMOUNT_COLUMNS = tuple(one.name for one in fields(PortfolioSums) if one.name != "loans")
_amounts_of = attrgetter(*AMOUNT_COLUMNS)


@dataclass(frozen=True, slots=True)
class LoanFigures:
    """One loan in the portfolio of a date."""

    loan_id: int
    number: str  # 借据编号
    overdue_days: int
    restructured: bool  # a plan was agreed and is in force, or broke
    sums: PortfolioSums

    @property
    def bucket(self) -> str:
        return bucket_of(self.overdue_days)

    def class_by(self, rules: RiskRules) -> str:
        return rules.class_of(
            self.overdue_days,
            restructured=self.restructured,
            written_off=self.sums.written_off > ZERO,
        ).value


def each_loan(on: date, loans: QuerySet[Loan] | None = None) -> Iterator[LoanFigures]:
    """Every loan outstanding on a date (or of a choice) with its figures, by id, in ten queries.

    Parts and days are those of ``load_debt(loan, on)``. Memory does not grow with the number of loans.
    Example: loan L of loans/RULES.md on 2023-09-20: 6,000.00, 110.12, 110.21; 72 days, M3.
    """
    chosen = loans_outstanding(on) if loans is None else loans
    with snapshot():
        plain, others = parted(chosen, on)
        yield from merge(
            (_plain_figures(debt) for debt in plain_debts(plain, on)),
            read_whole(on, others),
            key=attrgetter("loan_id"),
        )


def _plain_figures(debt: PlainDebt) -> LoanFigures:
    sums = PortfolioSums(
        loans=1,
        principal=debt.principal * FEN,
        interest=(debt.interest + debt.kept_interest) * FEN,
        penalty=(debt.penalty + debt.kept_penalty) * FEN,
        fee=debt.fee * FEN,
        waived=debt.waived * FEN,
        vested=debt.waived * FEN,
        written_off=-debt.written_off * FEN,
        off_balance=-debt.off_balance * FEN,
    )
    return LoanFigures(debt.loan_id, debt.number, debt.overdue_days, False, sums)


def read_whole(on: date, loans: QuerySet[Loan] | None = None) -> Iterator[LoanFigures]:
    """``each_loan`` from the whole books of each: what the quick way must equal to the fen."""
    chosen = loans_outstanding(on) if loans is None else loans
    with snapshot():
        numbers = ByKey(keyed(chosen.order_by("pk").values_list("pk", "number")))
        for loan_id, books in stream_standings(chosen, on, whole=True):
            ((number,),) = numbers.take(loan_id)
            yield _figures(loan_id, number, books, on)


def _figures(loan_id: int, number: str, books: Lean, on: date) -> LoanFigures:
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
        written_off=sum((written_off(books, group, on) for group in WRITTEN_OFF), ZERO),
        off_balance=off_balance(books, on),
    )
    return LoanFigures(
        loan_id=loan_id,
        number=number,
        overdue_days=max((one.overdue_days for one in rows), default=0),
        restructured=books.base(on).kind in RESTRUCTURED,
        sums=sums,
    )


class PortfolioCell(NamedTuple):
    """The loans of one bucket and class."""

    bucket: str
    risk_class: str
    sums: PortfolioSums


def cells_of(loans: Iterable[LoanFigures], rules: RiskRules) -> list[PortfolioCell]:
    """The sums of loans by bucket and class, added up as they come."""
    counts: Counter[tuple[str, str]] = Counter()
    totals: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [ZERO] * len(AMOUNT_COLUMNS))
    for figures in loans:
        place = (figures.bucket, figures.class_by(rules))
        counts[place] += figures.sums.loans
        totals[place] = list(map(add, totals[place], figures.sums.amounts))
    return [
        PortfolioCell(bucket, risk_class, PortfolioSums(counts[bucket, risk_class], *amounts))
        for (bucket, risk_class), amounts in sorted(totals.items())
    ]


# --- Reports that are kept -------------------------------------------------------------------


def kept_sums(row: Mapping[str, Any]) -> PortfolioSums:
    """Sums as a report keeps them, amounts as text; one loan where no number of loans is told."""
    amounts = {name: Decimal(row.get(name, "0.00")) for name in AMOUNT_COLUMNS}
    return PortfolioSums(loans=row.get("loans", 1), **amounts)


def report_cells(report: PortfolioReport) -> list[PortfolioCell]:
    """What a finished report found."""
    return [
        PortfolioCell(row["bucket"], row["risk_class"], kept_sums(row)) for row in report.figures
    ]


def line_sums(line: PortfolioLine) -> PortfolioSums:
    """The figures of one loan of a report."""
    return PortfolioSums(loans=1, **{name: getattr(line, name) for name in AMOUNT_COLUMNS})


def cell_lines(
    report: PortfolioReport, *, bucket: str = "", risk_class: str = ""
) -> QuerySet[PortfolioLine]:
    """The loans behind a figure of a report, those that owe most first; none once forgotten."""
    lines = report.lines.select_related("loan").order_by("-principal", "pk")
    lines = lines.filter(bucket=bucket) if bucket else lines
    return lines.filter(risk_class=risk_class) if risk_class else lines


@dataclass(frozen=True, slots=True)
class ReportProgress:
    """How far a report is: chunks done of all; stuck when one was tried too often."""

    done: int
    chunks: int
    stuck: bool


def progress(report: PortfolioReport) -> ReportProgress:
    """Of a report that is not finished (one query)."""
    counts = report.chunks.aggregate(
        chunks=Count("pk"),
        counted=Count("pk", filter=Q(done=True)),
        stuck=Count("pk", filter=Q(done=False, attempts__gte=MAX_ATTEMPTS)),
    )
    return ReportProgress(counts["counted"], counts["chunks"], stuck=counts["stuck"] > 0)


def running_report() -> PortfolioReport | None:
    """The report that is being counted, stuck ones left out."""
    for report in PortfolioReport.objects.filter(finished_at=None).order_by("-pk"):
        if not progress(report).stuck:
            return report
    return None
