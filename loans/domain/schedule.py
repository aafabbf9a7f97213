"""Repayment schedules: due dates, instalments, prepayment and acceleration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.domain.profile import ProductProfile


@dataclass(frozen=True, slots=True)
class ScheduledInstalment:
    """One scheduled payment; interest is for the days [start_on, due_on)."""

    number: int
    start_on: date
    due_on: date
    principal: Decimal
    interest: Decimal

    @property
    def total(self) -> Decimal:
        """principal + interest."""
        return self.principal + self.interest


def due_date(start_on: date, months: int, due_day: int) -> date:
    """The due day of the month `months` after start_on's month; clipped to the month's end."""
    raise NotImplementedError


def build_schedule(
    profile: ProductProfile,
    *,
    principal: Decimal,
    drawdown_on: date,
    term_months: int,
    due_day: int,
) -> tuple[ScheduledInstalment, ...]:
    """The original schedule."""
    raise NotImplementedError


def accrued_interest(
    profile: ProductProfile,
    *,
    balance: Decimal,
    from_on: date,
    to_on: date,
    whole_month: bool = False,
) -> Decimal:
    """Ordinary interest of balance for [from_on, to_on), rounded by round_interest."""
    raise NotImplementedError


def recompute_schedule(
    profile: ProductProfile,
    *,
    balance: Decimal,
    from_on: date,
    due_dates: Sequence[date],
    first_number: int = 1,
) -> tuple[ScheduledInstalment, ...]:
    """After a prepayment on from_on: the same due dates, smaller instalments."""
    raise NotImplementedError


def accelerate_schedule(
    profile: ProductProfile, remaining: Sequence[ScheduledInstalment], *, on: date
) -> ScheduledInstalment:
    """The undue instalments become one, due `on`: all principal, interest only to that day."""
    raise NotImplementedError
