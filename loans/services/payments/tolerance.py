"""容差: after a payment, a loan that owes no more than its profile tolerates is closed."""

from __future__ import annotations

from decimal import Decimal

from loans.models import RECEIVABLES, Account, Entry, Payment, Schedule
from loans.queries.debt import debt_of
from loans.services.booking import Books
from loans.services.ledger import PostingLine
from portal.core.kernel.money import ZERO


def close_small(books: Books, payment: Payment) -> Decimal:
    """Give up what is left, at most ``tolerance``; the yuan given up, 0.00 where nothing is.

    Goes with the payment that left it: undone with it, decided anew when it is split anew.
    Example: 0.05 are left and the profile tolerates 0.10: the loan is settled.
    """
    position, on = books.position, books.booked_on
    left = debt_of(position, on).payoff
    if not ZERO < left <= position.profile.tolerance:
        return ZERO
    undue = position.undue(on)
    places = [(row.pk, account) for row in position.live() for account in RECEIVABLES]
    owed = [(pk, account, position.balance(pk, account)) for pk, account in places]
    lines = [PostingLine(account, -amount, pk) for pk, account, amount in owed]
    lines += [PostingLine(Account.TOLERANCE, amount, pk) for pk, _, amount in owed]
    source = (
        f"剩余 {left:,.2f} 元不超过容差 {position.profile.tolerance:,.2f} 元，不再收取，借款结清"
    )
    schedule = books.open_schedule(Schedule.Kind.RECOMPUTED, on, source, []) if undue else None
    books.post(Entry.Kind.TOLERANCE, on, source, lines, payment=payment, schedule=schedule)
    return left
