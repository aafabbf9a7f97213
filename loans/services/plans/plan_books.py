"""What execution and breach of a plan share: accounts by kind, and opening lines."""

from __future__ import annotations

from loans.models import Account, Instalment
from loans.services.ledger import PostingLine

INTEREST_LIKE = (Account.INTEREST, Account.KEPT_INTEREST)
PENALTY_LIKE = (Account.PENALTY, Account.KEPT_PENALTY)
OWED = (*INTEREST_LIKE, *PENALTY_LIKE, Account.COMPOUND, Account.FEE)


def opening(rows: list[Instalment]) -> list[PostingLine]:
    """What new instalments owe from the start: principal and the two kept columns."""
    columns = (Account.PRINCIPAL, Account.KEPT_INTEREST, Account.KEPT_PENALTY)
    return [PostingLine(c, getattr(row, c.value), row.pk) for row in rows for c in columns]
