"""What pages show of an offer: beside today's debt, line by line, and its cost; no queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from loans.domain.breach import vest
from loans.queries import Debt
from portal.kernel.money import ZERO, round_fen
from relief.domain.reasons import COUNTER_REASONS
from relief.domain.terms import OfferTerms
from relief.models import Case, Offer, OfferStatus
from relief.services._acceptance import seconds_to_read
from relief.services._offers import Composed


@dataclass(frozen=True)
class RowView:
    """One instalment of the proposed plan (yuan); interest has kept interest in it."""

    number: int
    due_on: date
    principal: Decimal
    interest: Decimal
    penalty: Decimal
    total: Decimal


@dataclass(frozen=True)
class CompareLine:
    """One line of 当前与方案对比: amounts in yuan, or counts; `changed` since the version before."""

    key: str
    label: str
    today: Decimal | int
    offered: Decimal | int
    changed: bool = False

    @property
    def difference(self) -> Decimal | int:
        return self.offered - self.today

    @property
    def is_money(self) -> bool:
        return isinstance(self.offered, Decimal)


@dataclass(frozen=True)
class PlanSums:
    """The proposed plan in sums (yuan); what offers, counters and previews have in common."""

    rows: tuple[RowView, ...]
    principal: Decimal
    interest: Decimal
    penalty: Decimal
    total: Decimal
    waived: Decimal
    largest: Decimal
    annualised_cost: Decimal

    @property
    def first(self) -> RowView:
        return self.rows[0]

    @property
    def term_count(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class OfferView:
    """An offer as both sides read it."""

    offer: Offer
    terms: OfferTerms
    plan: PlanSums
    lines: tuple[CompareLine, ...]
    waived_percent: Decimal
    meanwhile: Decimal
    comes_back: Decimal
    comes_back_half: Decimal
    total_rises_by: Decimal
    is_open: bool
    is_expired: bool
    seconds_to_read: int
    rounds_left: int
    reasons: str


def offer_view(
    offer: Offer, case: Case, today: Debt, now: datetime, *, previous: Offer | None = None
) -> OfferView:
    """The view of a stored version; `today` is the debt on the business date."""
    terms, plan = offer.offer_terms, sums_of_rows(offer.rows, offer.figures)
    before = sums_of_rows(previous.rows, previous.figures) if previous else None
    rules = case.policy.rules
    penalty = Decimal(offer.figures["penalty"])
    lines = compare(today, plan, before)
    total = next(line for line in lines if line.key == "total")
    expired = offer.valid_until is not None and offer.valid_until <= now
    half = round_fen(plan.principal / 2)
    return OfferView(
        offer=offer,
        terms=terms,
        plan=plan,
        lines=lines,
        waived_percent=_percent(terms.waive_penalty, penalty),
        meanwhile=max(today.penalty - penalty, ZERO) if not today.is_plan else ZERO,
        comes_back=terms.waived,
        comes_back_half=vest(terms.waived, plan.principal, half).returned,
        total_rises_by=max(Decimal(total.difference), ZERO),
        is_open=offer.status == OfferStatus.OPEN and not expired,
        is_expired=offer.status == OfferStatus.EXPIRED
        or (offer.status == OfferStatus.OPEN and expired),
        seconds_to_read=seconds_to_read(offer, rules.forced_read_seconds, now),
        rounds_left=max(rules.max_rounds - case.rounds, 0),
        reasons="、".join(COUNTER_REASONS[key] for key in offer.reasons if key in COUNTER_REASONS),
    )


def preview_view(composed: Composed, today: Debt) -> tuple[PlanSums, tuple[CompareLine, ...]]:
    """The same sums and lines for a draft that is not stored yet (staff form, counter-offer)."""
    plan = sums_of_rows(composed.rows_list, composed.figures_dict)
    return plan, compare(today, plan, None)


def sums_of_rows(rows: Sequence[dict[str, Any]], figures: dict[str, Any]) -> PlanSums:
    """Stored JSON rows as figures."""
    views = tuple(
        RowView(
            number=row["number"],
            due_on=date.fromisoformat(row["due_on"]),
            principal=Decimal(row["principal"]),
            interest=Decimal(row["interest"]) + Decimal(row["kept_interest"]),
            penalty=Decimal(row["kept_penalty"]),
            total=Decimal(row["total"]),
        )
        for row in rows
    )
    return PlanSums(
        rows=views,
        principal=sum((row.principal for row in views), ZERO),
        interest=sum((row.interest for row in views), ZERO),
        penalty=sum((row.penalty for row in views), ZERO),
        total=sum((row.total for row in views), ZERO),
        waived=Decimal(figures["waived"]),
        largest=max(row.total for row in views),
        annualised_cost=Decimal(figures["annualised_cost"]),
    )


def compare(today: Debt, plan: PlanSums, before: PlanSums | None) -> tuple[CompareLine, ...]:
    """Going on as today beside the offer: today's total is every unpaid instalment as it stands."""
    unpaid = [row for row in today.instalments if row.total > 0]
    coming = today.next_due or (unpaid[0] if unpaid else None)
    now: dict[str, Decimal | int] = {
        "penalty": today.penalty,
        "instalment": coming.scheduled if coming else ZERO,
        "terms": len(unpaid),
        "first": today.due_now,
        "total": sum((row.total for row in unpaid), ZERO),
    }
    offered, old = _values(plan), _values(before) if before else None
    return tuple(
        CompareLine(
            key, label, now[key], offered[key], changed=old is not None and offered[key] != old[key]
        )
        for key, label in LINES.items()
    )


LINES = {
    "penalty": "罚息",
    "instalment": "每期应还",
    "terms": "剩余期数",
    "first": "首次应付",
    "total": "还款总额",
}


def _values(plan: PlanSums) -> dict[str, Decimal | int]:
    """The offered side of the comparison, by key."""
    return {
        "penalty": plan.penalty,
        "instalment": plan.first.total,
        "terms": plan.term_count,
        "first": plan.first.total,
        "total": plan.total,
    }


def _percent(part: Decimal, whole: Decimal) -> Decimal:
    """A share in percent for reading, to one place; 0 of nothing."""
    return (part * 100 / whole).quantize(Decimal("0.1")) if whole else Decimal("0.0")
