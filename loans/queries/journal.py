"""For accountants: every posting of a period in order, and the trial balance of the same postings.

Both are read from the ledger alone, by value date (账务日期), and both begin with the one choice of
postings below, so that what is listed is what is summed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db.models import F, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from loans.models import Account, Entry, Loan, Posting
from portal.core.fields import money_value
from portal.core.kernel.money import ZERO

CHUNK = 2000
LINE = (
    *("entry__value_date", "entry__at", "entry_id", "entry__kind", "account", "amount"),
    *("entry__loan__number", "instalment__number", "entry__payment__reference", "entry__source"),
)


@dataclass(frozen=True, slots=True)
class Period:
    """From one value date to another, both included; of one loan where one is named."""

    from_on: date
    to_on: date
    loan: Loan | None = None


class JournalLine(NamedTuple):
    """One posting as an accountant reads it (yuan): plus is debit, minus is credit."""

    on: date
    booked_at: datetime
    entry: int  # the entry's number: its lines sum to zero
    kind: str
    account: str
    amount: Decimal
    loan: str  # 借据编号
    instalment: int | None
    reference: str | None  # of the payment, where there is one
    reason: str

    @property
    def debit(self) -> Decimal:
        return max(self.amount, ZERO)

    @property
    def credit(self) -> Decimal:
        return max(-self.amount, ZERO)

    @property
    def kind_label(self) -> str:
        return str(Entry.Kind(self.kind).label)


@dataclass(frozen=True, slots=True)
class AccountMovement:
    """What one account held before a period and what moved in it (yuan); debit is plus."""

    account: str
    opening: Decimal
    debit: Decimal
    credit: Decimal

    @property
    def closing(self) -> Decimal:
        return self.opening + self.debit - self.credit


def _postings(period: Period) -> QuerySet[Posting]:
    """Everything booked up to the period's last day."""
    rows = Posting.objects.filter(entry__value_date__lte=period.to_on)
    return rows if period.loan is None else rows.filter(entry__loan=period.loan)


def _inside(period: Period) -> QuerySet[Posting]:
    return _postings(period).filter(entry__value_date__gte=period.from_on)


def journal(period: Period, limit: int | None = None) -> Iterator[JournalLine]:
    """Every posting of a period (or the first) by value date, entry and line, in one query.

    Σ debit = Σ credit. Rows come through a cursor: memory does not grow with the period; inside a `snapshot()` it is of one
    moment.
    """
    rows = _inside(period).order_by("entry__value_date", "entry_id", "pk")[:limit]
    for row in rows.values_list(*LINE).iterator(chunk_size=CHUNK):
        yield JournalLine(*row)


def journal_size(period: Period) -> int:
    """How many lines the journal of a period has."""
    return _inside(period).count()


def trial_balance(period: Period) -> list[AccountMovement]:
    """Opening balance, debit, credit of every account that ever moved, in the ledger's order.

    One query. Openings sum to zero, debit = credit, closings sum to zero. Example: the drawdown
    of loans/RULES.md §2 in its month: principal debit 6,000.00, cash credit 6,000.00.
    """
    moved = Q(entry__value_date__gte=period.from_on)
    movements = (
        _postings(period)
        .order_by()
        .values("account")
        .annotate(
            opening=Coalesce(Sum("amount", filter=~moved), money_value()),
            debit=Coalesce(Sum("amount", filter=moved & Q(amount__gt=0)), money_value()),
            credit=Coalesce(Sum("amount", filter=moved & Q(amount__lt=0)), money_value()),
        )
    )
    by_account = {
        row["account"]: AccountMovement(
            row["account"], row["opening"], row["debit"], -row["credit"]
        )
        for row in movements
    }
    return [by_account[account.value] for account in Account if account.value in by_account]


def first_booked_on() -> date | None:
    """The oldest value date of the books; None while they are empty."""
    oldest: date | None = Entry.objects.aggregate(oldest=Min(F("value_date")))["oldest"]
    return oldest
