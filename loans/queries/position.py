"""A loan's books in memory: read in four queries, used alike by screens, services and proofs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce

from loans.domain.penalty.interest import (
    InstalmentPenalty,
    PenaltyExplanation,
    explain_penalty,
)
from loans.domain.profile import ProductProfile
from loans.domain.schedule import PlanPeriod, accrued_interest
from loans.models import Account, Entry, Instalment, Loan, Posting, Schedule
from loans.queries.penalty_basis import INCOME_OF, LOAN, LedgerMovement, PenaltyBasis
from portal.core.kernel.money import ZERO

INSTALMENT_ORDER = ("schedule__number", "number")


@dataclass(slots=True, kw_only=True)
class Position(PenaltyBasis[Schedule, Instalment]):
    """Loan, schedules, instalments and moves; every figure of the books is a sum over these."""

    loan: Loan

    def interest_profile(self, on: date | None = None) -> ProductProfile:
        """The profile ordinary interest is computed with: the plan's own rate inside a plan."""
        base = self.base(on)
        if base.kind == Schedule.Kind.ORIGINAL:
            return self.profile
        terms = base.terms or {}
        rate = Decimal(str(terms.get("plan_annual_rate", "0")))
        period = PlanPeriod(terms.get("period", PlanPeriod.MONTHLY))
        return self.profile.for_plan(rate, by_days=period.counts_days)

    # --- sums ------------------------------------------------------------------------------

    @property
    def credit(self) -> Decimal:
        """What the borrower has paid beyond all that was owed, and has not got back (yuan)."""
        return -self.total(LOAN, Account.CREDIT)

    def booked(self, instalment_id: int, account: str, *, kinds: Iterable[str]) -> Decimal:
        """What has been recognised as income for a receivable by some kinds of event."""
        return -self.total(instalment_id, INCOME_OF[account], kinds=kinds)

    # --- rules -----------------------------------------------------------------------------

    def explanation(self, on: date) -> tuple[PenaltyExplanation, dict[int, InstalmentPenalty]]:
        """The one penalty calculation, and its lines by instalment id."""
        rows, facts = self.facts(on)
        story = explain_penalty(self.profile, facts, on)
        return story, {row.pk: line for row, line in zip(rows, story.instalments, strict=True)}

    def undue(self, on: date) -> list[Instalment]:
        """Instalments in force whose due date is still to come."""
        return [i for i in self.live(on) if i.due_on > on]

    def accrued(self, on: date) -> Decimal:
        """Interest of the running period, from its start to ``on``, not yet recognised."""
        undue = self.undue(on)
        principal = sum((self.balance(i.pk, Account.PRINCIPAL, on) for i in undue), ZERO)
        if not undue or principal <= 0 or undue[0].start_on >= on:
            return ZERO
        accrued_total = accrued_interest(
            self.interest_profile(on), balance=principal, from_on=undue[0].start_on, to_on=on
        )
        kinds = (Entry.Kind.ACCRUAL.value,)
        recognised = -self.total(undue[0].pk, Account.INTEREST_INCOME, kinds=kinds, upto=on)
        return max(accrued_total - recognised, ZERO)


def load_positions(loans: Sequence[Loan]) -> dict[int, Position]:
    """The positions of several loans in three queries, whatever their number."""
    ids = [loan.pk for loan in loans]
    positions = {
        loan.pk: Position(loan=loan, profile=loan.terms, schedules=[], instalments=[])
        for loan in loans
    }
    for schedule in Schedule.objects.filter(loan_id__in=ids).order_by("loan_id", "number"):
        positions[schedule.loan_id].schedules.append(schedule)
    rows = Instalment.objects.filter(schedule__loan_id__in=ids)
    for row in rows.annotate(loan_pk=F("schedule__loan_id")).order_by(*INSTALMENT_ORDER):
        positions[row.loan_pk].instalments.append(row)
    for loan_id, *move in grouped_moves(Posting.objects.filter(entry__loan_id__in=ids)):
        positions[loan_id].record([LedgerMovement(*move)])
    return positions


def grouped_moves(postings: QuerySet[Posting]) -> QuerySet[Posting, tuple[Any, ...]]:
    """(loan, instalment or LOAN, account, kind, date, sum) of postings, cash left out.

    A reversal has the kind of what it undoes.
    """
    place = ("entry__loan_id", "of", "account", "kind", "entry__value_date")
    rows: QuerySet[Posting, tuple[Any, ...]] = (
        postings.exclude(account=Account.CASH)
        .order_by()
        .annotate(
            kind=Coalesce(F("entry__reverses__kind"), F("entry__kind")),
            of=Coalesce(F("instalment_id"), LOAN),
        )
        .values(*place)
        .annotate(amount_sum=Sum("amount"))
        .exclude(amount_sum=ZERO)
        .values_list(*place, "amount_sum")
    )
    return rows


def load_position(loan: Loan) -> Position:
    """One loan's books: schedules, instalments, grouped postings (three queries)."""
    return load_positions([loan])[loan.pk]
