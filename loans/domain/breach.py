"""What comes back when a plan breaks: the waiver vests with the principal paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.domain.profile import ProductProfile


@dataclass(frozen=True, slots=True)
class Vesting:
    """vested + returned = waived; remaining_principal is due at once."""

    vested: Decimal
    returned: Decimal
    remaining_principal: Decimal


def vest(waived: Decimal, plan_principal: Decimal, paid_principal: Decimal) -> Vesting:
    """vested = DOWN(waived × paid / plan principal), to the fen."""
    raise NotImplementedError


def warning_on(profile: ProductProfile, due_on: date) -> date:
    """The date a plan instalment that is still unpaid gets its warning."""
    raise NotImplementedError


def cure_until(profile: ProductProfile, warned_on: date) -> date:
    """The last date on which paying cures."""
    raise NotImplementedError
