"""Penalty once more, straight from loans/RULES.md §3: night after night, in Fractions, nothing clever.

A night x is the step from day x to day x + 1. It shares no code with loans/domain but the facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts, Pause
from loans.domain.profile import PenaltyBase, ProductProfile

NIGHT = timedelta(days=1)
PRINCIPAL, INTEREST = Component.PRINCIPAL, Component.INTEREST


class Charge(NamedTuple):
    """One night of one balance in yuan: what it costs, and the most it may (None: anything)."""

    amount: Fraction
    most: Fraction | None


FREE = Charge(Fraction(0), Fraction(0))


def total(charges: Sequence[Charge]) -> Fraction:
    return sum((charge.amount for charge in charges), Fraction(0))


def nearest(exact: Fraction) -> Fraction:
    return (exact * 100 + Fraction(1, 2)) // 1 / Fraction(100)


@dataclass(frozen=True)
class Almanac:
    """The rule for one loan as of one day; every question is answered night by night."""

    profile: ProductProfile
    facts: Sequence[InstalmentFacts]
    as_of: date
    pauses: Sequence[Pause] = ()

    def charges(self, fact: InstalmentFacts) -> tuple[Fraction, Fraction]:
        """(penalty, compound) of one instalment in yuan, before rounding."""
        penalty, compound = self._charged(fact)
        return total(penalty), total(compound)

    def rounded(self, fact: InstalmentFacts) -> tuple[Fraction, Fraction]:
        """The same in whole fen: half up, but down where that would pass the ceiling."""
        penalty, compound = self._charged(fact)
        return self._fen(penalty), self._fen(compound)

    def fee(self, fact: InstalmentFacts) -> Fraction:
        """The late fee: what the contract names, as far as the nights have left room for it."""
        product = self.profile
        late = {*self._late(fact, PRINCIPAL), *self._late(fact, INTEREST)}
        if not late or not (product.late_fee or product.late_fee_share):
            return Fraction(0)
        base = self._left(fact, PRINCIPAL, min(late)) + self._left(fact, INTEREST, min(late))
        full = Fraction(product.late_fee) + Fraction(product.late_fee_share) * base
        if product.late_fee_most is not None:
            full = min(full, Fraction(product.late_fee_most))
        room = Fraction(0)
        for night in nights(min(late), max(late) + NIGHT):
            if not self._is_paused(night):
                left = self._left(fact, PRINCIPAL, night) + self._left(fact, INTEREST, night)
                room += left * self._spare(night)
        return min(full, room) * 100 // 1 / Fraction(100) if base else Fraction(0)

    def _charged(self, fact: InstalmentFacts) -> tuple[list[Charge], list[Charge]]:
        penalty = [self._on_principal(fact, night) for night in self._late(fact, PRINCIPAL)]
        penalty += [self._surcharge(fact, night) for night in self._others_late(fact)]
        on_interest = [self._on_interest(fact, night) for night in self._late(fact, INTEREST)]
        if self.profile.compound_on_interest:
            return penalty, on_interest
        if self.profile.penalty_base is PenaltyBase.DUE_PRINCIPAL_AND_INTEREST:
            return penalty + on_interest, []
        return penalty, []

    def _fen(self, charges: list[Charge]) -> Fraction:
        exact = total(charges)
        down = exact * 100 // 1 / Fraction(100)
        if self.profile.round_penalty == "DOWN":
            return down
        if self._cap() is None:
            return nearest(exact)
        most = sum((charge.most or Fraction(0) for charge in charges), Fraction(0))
        return nearest(exact) if nearest(exact) <= most else down

    # --- what a night costs ----------------------------------------------------------------------

    def _on_principal(self, fact: InstalmentFacts, night: date) -> Charge:
        base = self._left(fact, PRINCIPAL, night)
        return self._charge(night, base, self._penalty_rate(), self._cap())

    def _on_interest(self, fact: InstalmentFacts, night: date) -> Charge:
        base, rate = self._left(fact, INTEREST, night), self._penalty_rate()
        return self._charge(night, base, rate * self._share(night), None)

    def _surcharge(self, fact: InstalmentFacts, night: date) -> Charge:
        """all_outstanding: the schedule has the ordinary interest of this night already."""
        base, cap = self._left(fact, PRINCIPAL, night), self._cap()
        ordinary = min(self._ordinary(), self._penalty_rate())
        beside = None if cap is None else cap - ordinary
        return self._charge(night, base, self._penalty_rate() - ordinary, beside)

    def _charge(self, night: date, base: Fraction, rate: Fraction, own: Fraction | None) -> Charge:
        """`own`: the most a yuan may bear where each balance has a ceiling to itself."""
        if self._is_paused(night):
            return FREE
        if self._charges_interest() and self._cap() is not None:
            own = rate + self._spare(night)
        return Charge(base * rate, None if own is None else base * own)

    def _is_paused(self, night: date) -> bool:
        return any(pause.from_on <= night < pause.to_on for pause in self.pauses)

    def _charges_interest(self) -> bool:
        in_base = self.profile.penalty_base is PenaltyBase.DUE_PRINCIPAL_AND_INTEREST
        return in_base or self.profile.compound_on_interest

    def _penalty_rate(self) -> Fraction:
        cap = self._cap()
        return self._nominal() if cap is None else min(self._nominal(), cap)

    def _nominal(self) -> Fraction:
        if self.profile.penalty_rate_stated is not None:
            return self._a_day(self.profile.penalty_rate_stated)
        return self._ordinary() * Fraction(self.profile.penalty_multiplier)

    def _ordinary(self) -> Fraction:
        return self._a_day(self.profile.rate)

    def _a_day(self, rate: Decimal) -> Fraction:
        days = 1 if self.profile.rate_kind == "daily" else self.profile.year_basis
        return Fraction(rate) / days

    def _cap(self) -> Fraction | None:
        cap = self.profile.annual_cap
        return None if cap is None else Fraction(cap) / self.profile.cap_year_basis

    def _share(self, night: date) -> Fraction:
        """What the ceiling over all components leaves for charges on unpaid interest: 0 to 1."""
        if self._cap() is None:
            return Fraction(1)
        room, wanted, _ = self._room(night)
        return Fraction(1) if wanted <= room else max(Fraction(0), room / wanted)

    def _spare(self, night: date) -> Fraction:
        """What is left below the ceiling even then, for each yuan that may bear penalty."""
        room, wanted, bearing = self._room(night)
        return max(Fraction(0), room - wanted) / bearing if bearing else Fraction(0)

    def _room(self, night: date) -> tuple[Fraction, Fraction, Fraction]:
        """Room for charges on interest, what they want of it, and the yuan that share the rest."""
        cap, rate = self._cap() or Fraction(0), self._penalty_rate()
        there = [fact for fact in self.facts if self._opened(fact) <= night < self._closed(fact)]
        due = [fact for fact in there if fact.due_on <= night]
        ahead = [fact for fact in there if fact.due_on > night]
        late = sum((self._left(fact, PRINCIPAL, night) for fact in due), Fraction(0))
        interest = sum((self._left(fact, INTEREST, night) for fact in due), Fraction(0))
        undue = sum((self._left(fact, PRINCIPAL, night) for fact in ahead), Fraction(0))
        everything = self.profile.penalty_base is PenaltyBase.ALL_OUTSTANDING
        running = max(self._ordinary(), rate if everything else Fraction(0))
        room = (cap - rate) * late + max(Fraction(0), cap - running) * undue
        wanted = rate * interest if self._charges_interest() else Fraction(0)
        return room, wanted, late + interest + undue * everything

    # --- which nights count ----------------------------------------------------------------------

    def _late(self, fact: InstalmentFacts, component: Component) -> Iterator[date]:
        """Nights on which this balance is overdue and not within grace."""
        end = fact.due_on
        last = self.as_of if fact.closed_on is None else min(self.as_of, fact.closed_on)
        if last > fact.due_on:
            end = last + NIGHT * self.profile.as_of_inclusive
        begin = fact.due_on + NIGHT * self.profile.penalty_start_offset
        if self.profile.grace_days:
            owed_until = min(end, self._cleared(fact, component))
            if (owed_until - begin).days <= self.profile.grace_days:
                return
            if not self.profile.grace_retroactive:
                begin += NIGHT * self.profile.grace_days
        yield from nights(max(begin, self._opened(fact)), end)

    def _others_late(self, fact: InstalmentFacts) -> Iterator[date]:
        """all_outstanding: nights before this due date on which some other balance is overdue."""
        if self.profile.penalty_base is not PenaltyBase.ALL_OUTSTANDING:
            return
        late = {
            night
            for other in self.facts
            for component in (PRINCIPAL, INTEREST)
            for night in self._late(other, component)
            if self._left(other, component, night) > 0
        }
        end = self.as_of + NIGHT * self.profile.as_of_inclusive
        end = min(end, fact.due_on, self._closed(fact))
        yield from (night for night in sorted(late) if self._opened(fact) <= night < end)

    def _opened(self, fact: InstalmentFacts) -> date:
        """The first night it is there: what opens on a day bears nothing for that same day."""
        if fact.opened_on is None:
            return date.min
        return fact.opened_on + NIGHT * self.profile.as_of_inclusive

    def _closed(self, fact: InstalmentFacts) -> date:
        if fact.closed_on is None:
            return date.max
        return fact.closed_on + NIGHT * self.profile.as_of_inclusive

    # --- what was owed ---------------------------------------------------------------------------

    def _left(self, fact: InstalmentFacts, component: Component, night: date) -> Fraction:
        """Owed during a night; paid on a day, it is gone that night (as_of_inclusive: the next)."""
        owed = Fraction(fact.principal if component is PRINCIPAL else fact.interest)
        return owed - sum(
            Fraction(amount) for day, amount in self._paid(fact, component) if day <= night
        )

    def _cleared(self, fact: InstalmentFacts, component: Component) -> date:
        days = sorted(day for day, _ in self._paid(fact, component))
        if not self._left(fact, component, date.min):
            return date.min
        return next((day for day in days if not self._left(fact, component, day)), date.max)

    def _paid(self, fact: InstalmentFacts, component: Component) -> Iterator[tuple[date, Fraction]]:
        for payment in fact.payments:
            if payment.component is component and payment.on <= self.as_of:
                gone = payment.on + NIGHT * self.profile.as_of_inclusive
                if payment.on <= fact.due_on:
                    gone = min(gone, fact.due_on)
                yield gone, Fraction(payment.amount)


def nights(begin: date, end: date) -> Iterator[date]:
    while begin < end:
        yield begin
        begin += NIGHT
