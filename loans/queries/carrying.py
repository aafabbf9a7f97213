"""What of a claim still stands on the balance sheet: less what is written off, less what is non-accrual.

The borrower owes the whole claim all the same; the receivables of the ledger are never touched.
Three groups are written off apart: principal, interest and charges (kept columns join their kind).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from loans.domain.penalty.interest import overdue_days
from loans.models import RECEIVABLES, Account, Entry
from loans.queries.penalty_basis import LOAN, PenaltyBasis, R, S
from loans.queries.position import Position
from portal.core.kernel.money import ZERO

WRITTEN_OFF: dict[Account, tuple[Account, ...]] = {  # by the account that stands against them
    Account.OFF_PRINCIPAL: (Account.PRINCIPAL,),
    Account.OFF_INTEREST: (Account.INTEREST, Account.KEPT_INTEREST),
    Account.OFF_CHARGES: (
        *(Account.PENALTY, Account.COMPOUND),
        *(Account.FEE, Account.KEPT_PENALTY),
    ),
}


def claim(position: Position, group: Account) -> Decimal:
    """What the ledger holds as owed of one group (yuan)."""
    return sum(
        (
            position.total(row.pk, account)
            for row in position.instalments
            for account in WRITTEN_OFF[group]
        ),
        ZERO,
    )


def written_off(books: PenaltyBasis[S, R], group: Account, on: date | None = None) -> Decimal:
    """What of it is written off and not recovered on a date (None: now)."""
    return -books.balance(LOAN, group, on)


def ever_written_off(position: Position) -> Decimal:
    """All that was ever written off, recovered or not."""
    kinds = (Entry.Kind.WRITE_OFF.value,)
    return position.total(LOAN, Account.LOSS, kinds=kinds)


def is_non_accruing(position: Position, on: date) -> bool:
    """Is the oldest debt on the books more than ``npl_days`` overdue?"""
    unpaid = (
        row.due_on
        for row in position.live()
        if row.due_on <= on and any(position.total(row.pk, account) for account in RECEIVABLES)
    )
    oldest = min(unpaid, default=on)
    return overdue_days(position.profile, oldest, on) > position.profile.npl_days


def off_balance(books: PenaltyBasis[S, R], on: date | None = None) -> Decimal:
    """Interest and charges that stand off the balance on a date (None: now; yuan)."""
    return -books.balance(LOAN, Account.OFF_BALANCE, on)


def off_balance_target(position: Position, on: date) -> Decimal:
    """What should: all of them that are not written off once the loan is non-accruing, else nothing."""
    if not is_non_accruing(position, on):
        return ZERO
    groups = (Account.OFF_INTEREST, Account.OFF_CHARGES)
    return sum((claim(position, g) - written_off(position, g) for g in groups), ZERO)
