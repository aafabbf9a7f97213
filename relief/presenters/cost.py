"""What a plan costs: row by row, in sums, and what a breach would bring back of the waiver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from loans.domain.breach import vest
from portal.core.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One line of the instalment table; `interest` holds the plan's own and what is kept."""

    number: int
    due_on: date
    principal: Decimal
    interest: Decimal
    penalty: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class PlanSums:
    """A proposed plan with what all of it costs, in yuan; `annualised` is a fraction a year."""

    rows: tuple[OfferRow, ...]
    principal: Decimal
    plan_interest: Decimal
    kept_interest: Decimal
    kept_penalty: Decimal
    total: Decimal
    waived: Decimal
    annualised: Decimal | None

    @property
    def interest(self) -> Decimal:
        return self.plan_interest + self.kept_interest

    @property
    def instalment(self) -> Decimal:
        """What is paid each month; only the last one may differ."""
        return self.rows[0].total

    @property
    def last_total(self) -> Decimal:
        """The last instalment where it differs from the others, else nothing."""
        last = self.rows[-1].total
        return last if last != self.instalment else ZERO

    @property
    def largest(self) -> Decimal:
        return max(row.total for row in self.rows)

    @property
    def terms(self) -> int:
        return len(self.rows)

    @property
    def first_due_on(self) -> date:
        return self.rows[0].due_on


def plan_sums(rows: Sequence[Mapping[str, Any]], figures: Mapping[str, Any]) -> PlanSums:
    """The JSON of an offer, stored or only composed, as figures."""
    lines = tuple(_row(raw) for raw in rows)
    plan_interest = Decimal(figures["plan_interest"])
    return PlanSums(
        rows=lines,
        principal=sum((row.principal for row in lines), ZERO),
        plan_interest=plan_interest,
        kept_interest=sum((row.interest for row in lines), ZERO) - plan_interest,
        kept_penalty=sum((row.penalty for row in lines), ZERO),
        total=Decimal(figures["plan_total"]),
        waived=Decimal(figures["waived"]),
        annualised=Decimal(yearly) if (yearly := figures["annualised_cost"]) else None,
    )


def _row(raw: Mapping[str, Any]) -> OfferRow:
    return OfferRow(
        number=int(raw["number"]),
        due_on=date.fromisoformat(raw["due_on"]),
        principal=Decimal(raw["principal"]),
        interest=Decimal(raw["interest"]) + Decimal(raw["kept_interest"]),
        penalty=Decimal(raw["kept_penalty"]),
        total=Decimal(raw["total"]),
    )


@dataclass(frozen=True, slots=True)
class ReinstatedWaiver:
    """What a breach after so many instalments would bring back of the waiver (loans/RULES.md §7)."""

    paid: int
    returned: Decimal
    remaining: Decimal


def comebacks(plan: PlanSums) -> tuple[ReinstatedWaiver, ...]:
    """With nothing paid, and half way."""
    reinstated = []
    for paid in sorted({0, plan.terms // 2}):
        principal = sum((row.principal for row in plan.rows[:paid]), ZERO)
        vesting = vest(plan.waived, plan.principal, principal)
        reinstated.append(ReinstatedWaiver(paid, vesting.returned, vesting.remaining_principal))
    return tuple(reinstated)
