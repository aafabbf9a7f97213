"""对账单: every posting to what the borrower owes, with its reason, between two balances."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from loans.models import RECEIVABLES, Account, Correction, Entry, Loan, Payment, Posting
from loans.queries.types import Statement, StatementLine
from portal.core.kernel.money import ZERO

KINDS = dict(Entry.Kind.choices)
ACCOUNTS = dict(Account.choices)
OWED = (*RECEIVABLES, Account.CREDIT)
MEMO = (Account.LOSS, Account.RECOVERED, Account.SUSPENDED)  # told; the debt stays what it is


def load_statement(loan: Loan, from_on: date | None = None, to_on: date | None = None) -> Statement:
    """The lines from one date to another (both included) in two queries, in the order booked.

    opening + Σ lines = closing, in yuan; the balance is everything the books hold as owed
    (interest is booked when it falls due, penalty when something happens), less a credit balance.
    """
    rows = _rows(loan, to_on)
    first = from_on or loan.drawdown_on
    before = sum((_moved(row) for row in rows if row.entry.value_date < first), ZERO)
    undone = set(
        Entry.objects.filter(loan=loan, reverses__isnull=False).values_list(
            "reverses_id", flat=True
        )
    )
    chosen = (row for row in rows if row.entry.value_date >= first)
    lines = tuple(_lines(chosen, before, undone))
    return Statement(
        from_on=first,
        to_on=to_on or max((row.entry.value_date for row in rows), default=first),
        opening=before,
        lines=lines,
        closing=lines[-1].balance if lines else before,
        credit=-sum((row.amount for row in rows if row.account == Account.CREDIT), ZERO),
    )


def _rows(loan: Loan, to_on: date | None) -> list[Posting]:
    rows = Posting.objects.filter(entry__loan=loan, account__in=[*OWED, *MEMO])
    if to_on is not None:
        rows = rows.filter(entry__value_date__lte=to_on)
    rows = rows.select_related("entry__payment", "instalment")
    return _without_updates(rows.order_by("entry__value_date", "entry_id", "pk"))


def _without_updates(rows: Iterable[Posting]) -> list[Posting]:
    """Of what stands off the balance only its beginning and its end are told, not each change."""
    shown, stands = [], ZERO
    for row in rows:
        if row.account == Account.SUSPENDED:
            before, stands = stands, stands + row.amount
            if before and stands:
                continue
        shown.append(row)
    return shown


def _moved(row: Posting) -> Decimal:
    """What a posting does to the balance; what is only said, like a write-off, does nothing."""
    return ZERO if row.account in MEMO else row.amount


def _lines(rows: Iterable[Posting], balance: Decimal, undone: set[int]) -> Iterable[StatementLine]:
    for row in rows:
        balance += _moved(row)
        payment = row.entry.payment
        yield StatementLine(
            entry=row.entry_id,
            on=row.entry.value_date,
            kind=row.entry.kind,
            kind_label=KINDS[row.entry.kind],
            source=row.entry.source,
            account=row.account,
            account_label=ACCOUNTS[row.account],
            instalment=row.instalment.number if row.instalment else None,
            amount=_moved(row),
            balance=balance,
            reference=payment.reference if payment else "",
            reversed=row.entry_id in undone,
        )


def payments_of(loan: Loan) -> list[Payment]:
    """All receipts, newest first, the reversed ones too (one query)."""
    return list(Payment.objects.filter(loan=loan).order_by("-paid_on", "-pk"))


def corrections_of(loan: Loan) -> list[Correction]:
    """What back-dated and reversed payments changed, newest first (one query)."""
    rows = Correction.objects.filter(loan=loan).select_related("payment")
    return list(rows.order_by("-pk"))
