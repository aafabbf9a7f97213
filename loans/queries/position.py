"""A loan's books in memory: read in four queries, used alike by screens, services and proofs."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from operator import attrgetter

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce

from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts, PaymentFact
from loans.domain.interest import (
    InstalmentPenalty,
    PenaltyExplanation,
    explain_penalty,
    penalty_totals,
)
from loans.domain.profile import Method, ProductProfile, RateKind
from loans.domain.schedule import accrued_interest
from loans.models import Account, Entry, Instalment, Loan, Posting, Schedule
from portal.kernel.money import ZERO

REDUCING = frozenset({Entry.Kind.PAYMENT.value, Entry.Kind.WAIVER.value})
BEARING = frozenset({Account.PRINCIPAL.value, Account.INTEREST.value})
_ON = attrgetter("on")
INSTALMENT_ORDER = ("schedule__number", "number")
INCOME_OF: dict[str, str] = {
    Account.INTEREST.value: Account.INTEREST_INCOME.value,
    Account.PENALTY.value: Account.PENALTY_INCOME.value,
    Account.COMPOUND.value: Account.COMPOUND_INCOME.value,
    Account.FEE.value: Account.FEE_INCOME.value,
}


@dataclass(frozen=True, slots=True)
class Move:
    """Postings of one account of one instalment on one value date, summed.

    ``kind`` is the kind of the event; a reversal carries the kind it reverses, so that the two
    add up to nothing wherever they are summed.
    """

    instalment_id: int
    account: str
    kind: str
    on: date
    amount: Decimal


class Running:
    """The moves of one instalment as running sums by account: any balance by one bisection."""

    __slots__ = ("_days", "_sums", "reducing")

    def __init__(self, moves: Sequence[Move]) -> None:
        self._days: dict[str, list[date]] = {}
        self._sums: dict[str, list[Decimal]] = {}
        self.reducing: list[Move] = []
        for move in sorted(moves, key=_ON):
            sums = self._sums.setdefault(move.account, [])
            sums.append(sums[-1] + move.amount if sums else move.amount)
            self._days.setdefault(move.account, []).append(move.on)
            if move.kind in REDUCING and move.account in BEARING:
                self.reducing.append(move)

    def upto(self, account: str, on: date | None) -> Decimal:
        """The sum of an account up to a date, that day included (None: of all)."""
        sums = self._sums.get(account)
        if sums is None:
            return ZERO
        end = len(sums) if on is None else bisect_right(self._days[account], on)
        return sums[end - 1] if end else ZERO


@dataclass(slots=True)
class Position:
    """Loan, schedules, instalments and moves; every figure of the books is a sum over these."""

    loan: Loan
    profile: ProductProfile
    schedules: list[Schedule]
    instalments: list[Instalment]
    moves: dict[int, list[Move]] = field(default_factory=lambda: defaultdict(list))
    _running: dict[int, Running] = field(default_factory=dict, repr=False)

    # --- schedules -------------------------------------------------------------------------

    def schedules_on(self, on: date | None = None) -> list[Schedule]:
        """Schedules in force at some time up to ``on`` (None: now), the undone ones left out."""
        kept = [s for s in self.schedules if s.undone_on is None]
        if on is not None:
            kept = [s for s in kept if s.opened_on <= on] or kept[:1]
        return kept

    def closed_on(self, on: date | None = None) -> dict[int, date | None]:
        """Instalment id → the date its rest moved to a newer schedule (None: in force)."""
        rows: dict[int, list[Instalment]] = defaultdict(list)
        for instalment in self.instalments:
            rows[instalment.schedule_id].append(instalment)
        closed: dict[int, date | None] = {}
        by_id = {instalment.pk: instalment for instalment in self.instalments}
        for schedule in self.schedules_on(on):
            for pk, ended in closed.items():
                if ended is None and (
                    not schedule.is_partial or by_id[pk].due_on > schedule.opened_on
                ):
                    closed[pk] = schedule.opened_on
            for instalment in rows[schedule.pk]:
                closed[instalment.pk] = None
        return closed

    def live(self, on: date | None = None) -> list[Instalment]:
        """The instalments in force, oldest due date first."""
        closed = self.closed_on(on)
        rows = [i for i in self.instalments if i.pk in closed and closed[i.pk] is None]
        return sorted(rows, key=lambda i: (i.due_on, i.schedule_id, i.number))

    def current(self, on: date | None = None) -> Schedule:
        """The newest schedule in force."""
        return self.schedules_on(on)[-1]

    def base(self, on: date | None = None) -> Schedule:
        """The schedule that the current one goes back to: original, plan or breached."""
        return [s for s in self.schedules_on(on) if not s.is_partial][-1]

    def is_plan(self, on: date | None = None) -> bool:
        return self.base(on).is_plan

    def interest_profile(self, on: date | None = None) -> ProductProfile:
        """The profile ordinary interest is computed with: the plan's own rate inside a plan."""
        base = self.base(on)
        if base.kind == Schedule.Kind.ORIGINAL:
            return self.profile
        rate = Decimal(str((base.terms or {}).get("plan_annual_rate", "0")))
        return replace(
            self.profile,
            rate_kind=RateKind.ANNUAL,
            rate=rate,
            method=Method.EQUAL_INSTALMENT,
        )

    # --- sums ------------------------------------------------------------------------------

    def total(
        self,
        instalment_id: int,
        account: str,
        *,
        kinds: Iterable[str] | None = None,
        upto: date | None = None,
    ) -> Decimal:
        """Sum of an account of one instalment, of some kinds of event, up to a date."""
        if kinds is None:
            return self._sums(instalment_id).upto(account, upto)
        return sum(
            (
                move.amount
                for move in self.moves.get(instalment_id, ())
                if move.account == account
                and move.kind in kinds
                and (upto is None or move.on <= upto)
            ),
            ZERO,
        )

    def _sums(self, instalment_id: int) -> Running:
        if instalment_id not in self._running:
            self._running[instalment_id] = Running(self.moves.get(instalment_id, ()))
        return self._running[instalment_id]

    def balance(self, instalment_id: int, account: str, upto: date | None = None) -> Decimal:
        return self.total(instalment_id, account, upto=upto)

    def booked(self, instalment_id: int, account: str, *, kinds: Iterable[str]) -> Decimal:
        """What has been recognised as income for a receivable by some kinds of event."""
        return -self.total(instalment_id, INCOME_OF[account], kinds=kinds)

    def reduced(self, instalment_id: int, account: str, upto: date | None = None) -> Decimal:
        """All that took a receivable down (paid, waived, moved) without its recognition."""
        recognised = -self.total(instalment_id, INCOME_OF[account], upto=upto)
        return recognised - self.balance(instalment_id, account, upto)

    def record(self, moves: Iterable[Move]) -> None:
        """Add moves that are being posted, so that later figures see them."""
        for move in moves:
            self.moves[move.instalment_id].append(move)
            self._running.pop(move.instalment_id, None)

    # --- rules -----------------------------------------------------------------------------

    def facts(self, on: date | None = None) -> tuple[list[Instalment], list[InstalmentFacts]]:
        """The instalments that ever were in force, and the same as the pure rules take them."""
        closed = self.closed_on(on)
        opened = {s.pk: s for s in self.schedules}
        rows = [i for i in self.instalments if i.pk in closed]
        facts = []
        for row in rows:
            schedule = opened[row.schedule_id]
            original = schedule.kind == Schedule.Kind.ORIGINAL
            facts.append(
                InstalmentFacts(
                    number=row.number,
                    due_on=row.due_on,
                    principal=row.principal,
                    interest=row.interest,
                    payments=self._payments(row.pk, on),
                    closed_on=closed[row.pk],
                    opened_on=None if original else schedule.opened_on,
                )
            )
        return rows, facts

    def _payments(self, instalment_id: int, upto: date | None) -> tuple[PaymentFact, ...]:
        sums: dict[tuple[date, str, str], Decimal] = defaultdict(lambda: ZERO)
        for move in self._sums(instalment_id).reducing:
            if upto is None or move.on <= upto:
                sums[move.on, move.account, move.kind] -= move.amount
        return tuple(
            PaymentFact(on=on, component=Component(account), amount=amount, kind=kind)
            for (on, account, kind), amount in sorted(sums.items())
            if amount > 0
        )

    def explanation(self, on: date) -> tuple[PenaltyExplanation, dict[int, InstalmentPenalty]]:
        """The one penalty calculation, and its lines by instalment id."""
        rows, facts = self.facts(on)
        story = explain_penalty(self.profile, facts, on)
        return story, {row.pk: line for row, line in zip(rows, story.instalments, strict=True)}

    def penalties(self, on: date) -> dict[int, tuple[Decimal, Decimal]]:
        """Cumulative (penalty, compound) by instalment id: the explanation's sums alone."""
        rows, facts = self.facts(on)
        totals = penalty_totals(self.profile, facts, on)
        return {row.pk: sums for row, sums in zip(rows, totals, strict=True)}

    def undue(self, on: date) -> list[Instalment]:
        """Instalments in force whose due date is still to come."""
        return [i for i in self.live(on) if i.due_on > on]

    def accrued(self, on: date) -> Decimal:
        """Interest of the running period, from its start to ``on``, not yet recognised."""
        undue = self.undue(on)
        principal = sum((self.balance(i.pk, Account.PRINCIPAL, on) for i in undue), ZERO)
        if not undue or principal <= 0 or undue[0].start_on >= on:
            return ZERO
        ran = accrued_interest(
            self.interest_profile(on), balance=principal, from_on=undue[0].start_on, to_on=on
        )
        kinds = (Entry.Kind.ACCRUAL.value,)
        known = -self.total(undue[0].pk, Account.INTEREST_INCOME, kinds=kinds, upto=on)
        return max(ran - known, ZERO)


def load_positions(loans: Sequence[Loan]) -> dict[int, Position]:
    """The positions of several loans in three queries, whatever their number."""
    ids = [loan.pk for loan in loans]
    found = {loan.pk: Position(loan, loan.terms, [], []) for loan in loans}
    for schedule in Schedule.objects.filter(loan_id__in=ids).order_by("loan_id", "number"):
        found[schedule.loan_id].schedules.append(schedule)
    rows = Instalment.objects.filter(schedule__loan_id__in=ids)
    for row in rows.annotate(loan_pk=F("schedule__loan_id")).order_by(*INSTALMENT_ORDER):
        found[row.loan_pk].instalments.append(row)
    for loan_id, *move in grouped_moves(Posting.objects.filter(entry__loan_id__in=ids)):
        found[loan_id].record([Move(*move)])
    return found


def grouped_moves(postings: QuerySet[Posting]) -> QuerySet:
    """(loan, instalment, account, kind, date, sum) of postings; a reversal has the kind undone."""
    place = ("entry__loan_id", "instalment_id", "account", "kind", "entry__value_date")
    return (
        postings.filter(instalment__isnull=False)
        .order_by()
        .annotate(kind=Coalesce(F("entry__reverses__kind"), F("entry__kind")))
        .values(*place)
        .annotate(amount_sum=Sum("amount"))
        .exclude(amount_sum=ZERO)
        .values_list(*place, "amount_sum")
    )


def load_position(loan: Loan) -> Position:
    """One loan's books: schedules, instalments, grouped postings (three queries)."""
    return load_positions([loan])[loan.pk]
