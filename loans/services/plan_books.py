"""What execution and breach of a plan share: accounts by kind, opening lines, what was waived."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from loans.models import Account, Instalment, Schedule
from loans.services.ledger import Line

INTEREST_LIKE = (Account.INTEREST, Account.KEPT_INTEREST)
PENALTY_LIKE = (Account.PENALTY, Account.KEPT_PENALTY)
OWED = (*INTEREST_LIKE, *PENALTY_LIKE, Account.COMPOUND, Account.FEE)


def opening(rows: list[Instalment]) -> list[Line]:
    """What new instalments owe from the start: principal and the two kept columns."""
    columns = (Account.PRINCIPAL, Account.KEPT_INTEREST, Account.KEPT_PENALTY)
    return [Line(c, getattr(row, c.value), row.pk) for row in rows for c in columns]


@dataclass(frozen=True, slots=True)
class Waived:
    """What a plan waived, by component, as its schedule remembers it."""

    penalty: Decimal
    interest: Decimal
    compound: Decimal
    fee: Decimal

    @classmethod
    def of(cls, schedule: Schedule) -> Waived:
        terms = schedule.terms or {}
        names = ("penalty", "interest", "compound", "fee")
        return cls(*(Decimal(terms.get(f"waive_{name}", "0.00")) for name in names))

    @property
    def total(self) -> Decimal:
        return self.penalty + self.interest + self.compound + self.fee
