"""How a payment is split over what is owed, in the order the rules fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.domain.components import Component
from loans.domain.profile import ProductProfile
from portal.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class Due:
    """What is still owed on one instalment today, per component, in yuan."""

    instalment: int
    due_on: date
    principal: Decimal = ZERO
    interest: Decimal = ZERO
    penalty: Decimal = ZERO
    compound: Decimal = ZERO
    fee: Decimal = ZERO
    kept_penalty: Decimal = ZERO
    kept_interest: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Prepayable:
    """What may be paid ahead today: interest accrued to today on undue principal, and that principal."""

    principal: Decimal
    interest: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class AllocationLine:
    """One component of one instalment that the payment reduces; instalment None = prepayment."""

    instalment: int | None
    component: Component
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Allocation:
    """The split; lines sum to the payment. `remainder` = the part that is prepayment."""

    lines: tuple[AllocationLine, ...]
    remainder: Decimal
    order: str

    def total(self, component: Component, instalment: int | None = None) -> Decimal:
        """Sum over one component (of one instalment, when named)."""
        raise NotImplementedError


def payoff(dues: Sequence[Due], prepayable: Prepayable | None = None) -> Decimal:
    """The exact amount that settles everything today."""
    raise NotImplementedError


def allocate(
    profile: ProductProfile,
    amount: Decimal,
    dues: Sequence[Due],
    as_of: date,
    plan: bool = False,
    *,
    prepayable: Prepayable | None = None,
) -> Allocation:
    """Split a payment; over the pay-off amount is InvalidInput("amount") naming it."""
    raise NotImplementedError
