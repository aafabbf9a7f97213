"""An offer's arithmetic: waive, split over a new plan, and prove that the sums agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from loans.domain.profile import ProductProfile
from portal.kernel.money import ZERO


class DebtLike(Protocol):
    """What a plan needs to know of a debt; loans.queries.Debt has these names too."""

    @property
    def as_of(self) -> date: ...
    @property
    def principal(self) -> Decimal: ...
    @property
    def interest(self) -> Decimal: ...
    @property
    def penalty(self) -> Decimal: ...
    @property
    def compound(self) -> Decimal: ...
    @property
    def fee(self) -> Decimal: ...


@dataclass(frozen=True, slots=True)
class DebtFigures:
    """A debt as of a date: all principal, unpaid interest to that date, penalty, compound, fee."""

    as_of: date
    principal: Decimal
    interest: Decimal = ZERO
    penalty: Decimal = ZERO
    compound: Decimal = ZERO
    fee: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Everything owed."""
        return self.principal + self.interest + self.penalty + self.compound + self.fee


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliefTerms:
    """What an offer promises, on the debt as of `figures_as_of`."""

    figures_as_of: date
    waive_penalty: Decimal
    waive_interest: Decimal = ZERO
    waive_compound: Decimal = ZERO
    waive_fee: Decimal = ZERO
    term_count: int
    first_due_on: date
    plan_annual_rate: Decimal = ZERO
    due_day: int | None = None

    @property
    def waived(self) -> Decimal:
        """Sum of the waivers."""
        return self.waive_penalty + self.waive_interest + self.waive_compound + self.waive_fee


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One plan instalment; `interest` is the plan's own, kept_* are zero-rate columns."""

    number: int
    start_on: date
    due_on: date
    principal: Decimal
    interest: Decimal
    kept_interest: Decimal
    kept_penalty: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class PlanPreview:
    """The plan and its sums: total + waived = before_total + plan_interest.

    kept_penalty of the rows holds what is kept of penalty, compound and fee together.
    """

    rows: tuple[PlanRow, ...]
    total: Decimal
    waived: Decimal
    before_total: Decimal
    plan_interest: Decimal
    annualised_cost: Decimal
    kept_interest: Decimal
    kept_penalty: Decimal


def waive_by_percent(outstanding: Decimal, percent: Decimal) -> Decimal:
    """percent (0–100) of outstanding, rounded DOWN to the fen."""
    raise NotImplementedError


def check_terms(profile: ProductProfile, debt: DebtLike, terms: ReliefTerms) -> None:
    """InvalidInput for the first bound of domain.md §7 that the terms break."""
    raise NotImplementedError


def plan_preview(profile: ProductProfile, debt: DebtLike, terms: ReliefTerms) -> PlanPreview:
    """The plan."""
    raise NotImplementedError
