"""What a plan costs: row by row, in sums, and what a breach would bring back of the waiver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from loans.domain.affordability import heaviest_month
from loans.domain.breach import vest
from loans.domain.components import LABELS, Component, Components, InParts
from portal.core.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class CostColumn:
    """One column of the instalment table: its word, and what stands in it or is its sum (yuan)."""

    word: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class OfferRow(InParts):
    """One instalment of a proposed plan; what it costs in each column of the table (yuan)."""

    number: int
    due_on: date
    parts: Components
    columns: tuple[CostColumn, ...]


@dataclass(frozen=True, slots=True)
class PlanSums(InParts):
    """A proposed plan with what all of it costs, in yuan; `annualised` is a fraction a year.

    `parts` is the sum of the rows: `interest` is the plan's own, the `kept_` columns are what the
    plan keeps of today's debt. The table has a column, under its one word, for each that is there.
    """

    rows: tuple[OfferRow, ...]
    parts: Components
    waived: Decimal
    annualised: Decimal | None

    @property
    def columns(self) -> tuple[CostColumn, ...]:
        """本金, 保留利息, 保留罚息 with their sums, as far as there is anything in them."""
        return tuple(CostColumn(LABELS[name], self.parts[name]) for name in _columns(self.parts))

    @property
    def instalment(self) -> Decimal:
        """What is paid each time; only the last one may differ."""
        return self.rows[0].total

    @property
    def last_total(self) -> Decimal:
        """The last instalment where it differs from the others, else nothing."""
        last = self.rows[-1].total
        return last if last != self.instalment else ZERO

    @property
    def heaviest_month(self) -> Decimal:
        """The most that falls due within one calendar month (yuan)."""
        return heaviest_month([(row.due_on, row.total) for row in self.rows])

    @property
    def terms(self) -> int:
        return len(self.rows)

    @property
    def first_due_on(self) -> date:
        return self.rows[0].due_on


def plan_sums(rows: Sequence[Mapping[str, Any]], figures: Mapping[str, Any]) -> PlanSums:
    """The JSON of an offer, stored or only composed, as figures."""
    stored = [Components.from_json(row) for row in rows]
    whole = Components.summed(stored)
    shown = _columns(whole)
    return PlanSums(
        rows=tuple(
            OfferRow(
                int(row["number"]),
                date.fromisoformat(row["due_on"]),
                parts,
                tuple(CostColumn(LABELS[name], parts[name]) for name in shown),
            )
            for row, parts in zip(rows, stored, strict=True)
        ),
        parts=whole,
        waived=Decimal(figures["waived"]),
        annualised=Decimal(yearly) if (yearly := figures["annualised_cost"]) else None,
    )


def _columns(whole: Components) -> list[Component]:
    return [name for name, amount in whole if amount or name is Component.PRINCIPAL]


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
