"""What the penalty of a loan follows from: schedules, instalments and the moves on them.

The rows may be models or the few columns that a count over very many loans reads.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts, PaymentFact
from loans.domain.penalty.interest import Charges, penalty_totals
from loans.domain.profile import ProductProfile
from loans.models import Account, Entry, Instalment, Schedule
from portal.core.kernel.money import ZERO

REDUCING = frozenset(
    {
        Entry.Kind.PAYMENT.value,
        Entry.Kind.WAIVER.value,
        Entry.Kind.ADJUSTMENT.value,
        Entry.Kind.TOLERANCE.value,
    }
)
SAID_AS = {Entry.Kind.TOLERANCE.value: Entry.Kind.WAIVER.value}  # to the rules: it is not collected
BEARING = frozenset({Account.PRINCIPAL.value, Account.INTEREST.value})
ADDED = Schedule.Kind.ADDED.value
PARTIAL = frozenset({Schedule.Kind.RECOMPUTED.value, Schedule.Kind.ACCELERATED.value, ADDED})
_ON = attrgetter("on")
CHARGED = (Account.PENALTY, Account.COMPOUND, Account.FEE)  # in the order of Charges
NOT_CHARGED = Charges(ZERO, ZERO, ZERO)
INCOME_OF: dict[str, str] = {
    Account.INTEREST.value: Account.INTEREST_INCOME.value,
    Account.PENALTY.value: Account.PENALTY_INCOME.value,
    Account.COMPOUND.value: Account.COMPOUND_INCOME.value,
    Account.FEE.value: Account.FEE_INCOME.value,
}


LOAN = 0  # stands for the loan itself where a move is of no one instalment


class LeanSchedule(NamedTuple):
    """The columns of a Schedule that a PenaltyBasis needs."""

    pk: int
    kind: str
    opened_on: date
    undone_on: date | None
    terms: dict[str, Any] | None

    @property
    def is_plan(self) -> bool:
        """As Schedule.is_plan."""
        return self.kind == Schedule.Kind.PLAN

    @property
    def is_partial(self) -> bool:
        """As Schedule.is_partial."""
        return self.kind in PARTIAL

    @property
    def only_adds(self) -> bool:
        """As Schedule.only_adds."""
        return self.kind == ADDED


class LeanInstalment(NamedTuple):
    """The columns of an Instalment that a PenaltyBasis needs."""

    pk: int
    schedule_id: int
    number: int
    due_on: date
    principal: Decimal
    interest: Decimal


@dataclass(frozen=True, slots=True)
class LedgerMovement:
    """Postings of one account of one instalment on one value date, summed.

    ``kind`` is the kind of the event; a reversal carries the kind it reverses, so that the two
    add up to nothing wherever they are summed. ``instalment_id`` is LOAN for what is of no instalment.
    """

    instalment_id: int
    account: str
    kind: str
    on: date
    amount: Decimal


class Running:
    """The moves of one instalment as running sums by account: any balance by one bisection."""

    __slots__ = ("_days", "_sums", "reducing")

    def __init__(self, moves: Sequence[LedgerMovement]) -> None:
        self._days: dict[str, list[date]] = {}
        self._sums: dict[str, list[Decimal]] = {}
        self.reducing: list[LedgerMovement] = []
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


S = TypeVar("S", Schedule, LeanSchedule)
R = TypeVar("R", Instalment, LeanInstalment)


@dataclass(slots=True, kw_only=True)
class PenaltyBasis(Generic[S, R]):
    """Schedules, instalments and moves of one loan; what is charged is counted from these."""

    profile: ProductProfile
    schedules: list[S]
    instalments: list[R]
    moves: dict[int, list[LedgerMovement]] = field(default_factory=lambda: defaultdict(list))
    _running: dict[int, Running] = field(default_factory=dict, repr=False)

    def schedules_on(self, on: date | None = None) -> list[S]:
        """Schedules in force at some time up to ``on`` (None: now), the undone ones left out."""
        in_force = [s for s in self.schedules if s.undone_on is None]
        if on is not None:
            in_force = [s for s in in_force if s.opened_on <= on] or in_force[:1]
        return in_force

    def live(self, on: date | None = None) -> list[R]:
        """The instalments in force, oldest due date first."""
        closed = self.closed_on(on)
        rows = [i for i in self.instalments if i.pk in closed and closed[i.pk] is None]
        return sorted(rows, key=lambda i: (i.due_on, i.schedule_id, i.number))

    def current(self, on: date | None = None) -> S:
        """The newest schedule in force."""
        return self.schedules_on(on)[-1]

    def base(self, on: date | None = None) -> S:
        """The schedule that the current one goes back to: original, plan or breached."""
        return [s for s in self.schedules_on(on) if not s.is_partial][-1]

    def is_plan(self, on: date | None = None) -> bool:
        return self.base(on).is_plan

    def closed_on(self, on: date | None = None) -> dict[int, date | None]:
        """Instalment id → the date its rest moved to a newer schedule (None: in force)."""
        rows: dict[int, list[R]] = defaultdict(list)
        for instalment in self.instalments:
            rows[instalment.schedule_id].append(instalment)
        closed: dict[int, date | None] = {}
        by_id = {instalment.pk: instalment for instalment in self.instalments}
        for schedule in self.schedules_on(on):
            for pk, ended in () if schedule.only_adds else closed.items():
                if ended is None and (
                    not schedule.is_partial or by_id[pk].due_on > schedule.opened_on
                ):
                    closed[pk] = schedule.opened_on
            for instalment in rows[schedule.pk]:
                closed[instalment.pk] = None
        return closed

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

    def balance(self, instalment_id: int, account: str, upto: date | None = None) -> Decimal:
        """What an account of one instalment holds at the end of a day (None: now)."""
        return self._sums(instalment_id).upto(account, upto)

    def _sums(self, instalment_id: int) -> Running:
        if instalment_id not in self._running:
            self._running[instalment_id] = Running(self.moves.get(instalment_id, ()))
        return self._running[instalment_id]

    def reduced(self, instalment_id: int, account: str, upto: date | None = None) -> Decimal:
        """All that took a receivable down (paid, waived, moved) without its recognition."""
        if instalment_id not in self.moves:
            return ZERO
        recognised = -self.total(instalment_id, INCOME_OF[account], upto=upto)
        return recognised - self.total(instalment_id, account, upto=upto)

    def record(self, moves: Iterable[LedgerMovement]) -> None:
        """Add moves that are being posted, so that later figures see them."""
        for move in moves:
            self.moves[move.instalment_id].append(move)
            self._running.pop(move.instalment_id, None)

    def penalties(self, on: date) -> dict[int, Charges]:
        """Cumulative charges by instalment id: the explanation's sums alone."""
        rows, facts = self.facts(on)
        totals = penalty_totals(self.profile, facts, on)
        return {row.pk: sums for row, sums in zip(rows, totals, strict=True)}

    def facts(self, on: date | None = None) -> tuple[list[R], list[InstalmentFacts]]:
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
        if instalment_id not in self.moves:
            return ()
        sums: dict[tuple[date, str, str], Decimal] = defaultdict(lambda: ZERO)
        for move in self._sums(instalment_id).reducing:
            if upto is None or move.on <= upto:
                kind = SAID_AS.get(move.kind, move.kind)
                sums[move.on, move.account, kind] -= move.amount
        return tuple(
            PaymentFact(on=on, component=Component(account), amount=amount, kind=kind)
            for (on, account, kind), amount in sorted(sums.items())
            if amount > 0
        )
