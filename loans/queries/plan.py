"""The agreed plan on the books: what its waiver was, and what a breach brings back of it.

The one teller of what comes back (loans/RULES.md §7): the breach that is booked, the pages of loan and
plan, the desk's confirmation and the notices ask here. An offer, which is not on the books yet,
asks the same rule, `loans.domain.breach.vest`, with its own figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from loans.domain.breach import Vesting, vest
from loans.domain.components import Components, InParts
from loans.domain.plan_rules import PlanRules
from loans.models import Account, Schedule
from loans.queries.penalty_basis import LeanSchedule, PenaltyBasis, R, S
from loans.queries.position import Position
from portal.core.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class SignedWaiver(InParts):
    """What a plan waives by its signed terms, by component (yuan); the total of this vests.

    `ran_on` was waived besides: the penalty that ran on between the offer's date and its
    acceptance. That part is final: it never vests and never comes back.
    """

    parts: Components
    ran_on: Decimal

    @classmethod
    def of(cls, plan: Schedule | LeanSchedule) -> SignedWaiver:
        """From the terms that the plan's schedule keeps."""
        terms = plan.terms or {}
        return cls(Components.waived_by(terms), Decimal(terms.get("waived_meanwhile", ZERO)))


def plan_vesting(position: PenaltyBasis[S, R], on: date | None = None) -> Vesting | None:
    """What a breach on a date (None: now) leaves and brings back; None without a plan in force.

    5 of 12 paid of the plan of loans/RULES.md §6: 67.29 vested, 94.21 back, 3,500 due. Principal of
    a returned payment that stands beside the plan is due too, but counts neither as planned nor as paid.
    """
    plan = position.base(on)
    if not plan.is_plan:
        return None
    planned = Decimal((plan.terms or {})["principal"])
    added = {schedule.pk for schedule in position.schedules if schedule.only_adds}
    principal_left = beside = ZERO
    for row in position.live(on):
        owed = position.balance(row.pk, Account.PRINCIPAL, on)
        if row.schedule_id in added:
            beside += owed
        else:
            principal_left += owed
    vesting = vest(SignedWaiver.of(plan).total, planned, planned - principal_left)
    return replace(vesting, remaining_principal=principal_left + beside)


def plan_rules(position: Position, on: date | None = None) -> PlanRules | None:
    """The rules that the plan in force was executed under; None without a plan in force."""
    plan = position.base(on)
    return plan.plan_rules if plan.is_plan else None


@dataclass(frozen=True, slots=True)
class BookedBreach:
    """A breach as it stands on the books, corrections included (yuan)."""

    on: date
    vested: Decimal
    returned: Decimal


def booked_breaches(position: Position, on: date | None = None) -> list[BookedBreach]:
    """Every breach of the loan that was not undone, oldest first."""
    return [
        BookedBreach(
            schedule.opened_on,
            Decimal(schedule.terms["vested"]),
            Decimal(schedule.terms["returned"]),
        )
        for schedule in position.schedules_on(on)
        if schedule.kind == Schedule.Kind.BREACHED and schedule.terms is not None
    ]
