"""Facts prepared for counting: whole fen, day ordinals, and the exact rates of a profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import NamedTuple

from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts
from loans.domain.profile import PenaltyBase, ProductProfile

FAR = 10**8
ZERO_RATE = Fraction(0)


class BalanceReduction(NamedTuple):
    """A reduction of one balance: effective day, fen, what it was, and the day it happened."""

    day: int
    fen: int
    kind: str
    on: int


NO_EVENTS: tuple[BalanceReduction, ...] = ()


class Track(NamedTuple):
    """One instalment prepared for a date: when it counts, and what reduces it.

    Counting inclusively, the day on which something happens belongs to the base of that day: what
    is paid, closed or opened on it is so from the next (`closed`, `opened` and the events are
    those days), and on time until the due date itself.
    """

    number: int
    start: int
    begin: int
    end: int
    opened: int
    closed: int
    principal: int
    interest: int
    principal_events: tuple[BalanceReduction, ...]
    interest_events: tuple[BalanceReduction, ...]

    def unpaid(self, day: int) -> int:
        """Unpaid principal on the day, in fen."""
        unpaid = self.principal
        for event in self.principal_events:
            if event.day <= day:
                unpaid -= event.fen
        return unpaid


@dataclass(frozen=True, slots=True, eq=False)
class Price:
    """What one yuan costs a day: charged, its ordinary share, and before the ceiling; exact.

    Kept twice, as Fractions and as whole numbers over one denominator: sums of base × days are
    then multiplied and rounded in whole numbers. Compared by identity, one object per rate and
    component. `limit` is the most that the ceiling lets this balance bear a day, however it is
    rounded; None where that is not this balance's own to say (unpaid interest) or no ceiling is.
    """

    component: Component

    rate: Fraction
    ordinary: Fraction
    nominal: Fraction
    scale: int
    rate_part: int
    ordinary_part: int
    nominal_part: int
    limit: Fraction | None = None

    @property
    def is_cut(self) -> bool:
        """The ceiling took something away."""
        return self.rate_part < self.nominal_part


def price(
    component: Component,
    rate: Fraction,
    ordinary: Fraction,
    nominal: Fraction,
    limit: Fraction | None = None,
) -> Price:
    """The Price of three exact daily rates."""
    scale = lcm(rate.denominator, ordinary.denominator, nominal.denominator)
    parts = [part.numerator * (scale // part.denominator) for part in (rate, ordinary, nominal)]
    charged, part, before = parts
    return Price(component, rate, ordinary, nominal, scale, charged, part, before, limit)


# Inside a pause nothing is charged on either kind of balance.
NOTHING = {
    component: price(component, ZERO_RATE, ZERO_RATE, ZERO_RATE, ZERO_RATE)
    for component in (Component.PENALTY, Component.COMPOUND)
}


@dataclass(frozen=True, slots=True)
class Rates:
    """The exact daily rates of a profile; `part` is the ordinary share of the penalty rate."""

    ordinary: Fraction
    penalty: Fraction
    nominal: Fraction
    cap: Fraction | None
    part: Fraction
    due: Price
    undue: Price
    unpaid_interest: Price


@lru_cache(maxsize=256)
def rates_of(profile: ProductProfile) -> Rates:
    """Exact rates, computed once per profile; `undue` is the surcharge alone.

    Unpaid interest costs the penalty rate: as penalty where the base includes it, else as compound.
    """
    ordinary, penalty = profile.daily_rate, profile.penalty_rate
    part = min(ordinary, penalty)
    nominal, cap = profile.nominal_penalty_rate, profile.cap_daily_rate
    beside = None if cap is None else cap - part
    due = price(Component.PENALTY, penalty, part, nominal, cap)
    undue = price(Component.PENALTY, penalty - part, ZERO_RATE, nominal - part, beside)
    in_base = profile.penalty_base is PenaltyBase.DUE_PRINCIPAL_AND_INTEREST
    component = Component.PENALTY if in_base else Component.COMPOUND
    unpaid_interest = price(component, penalty, part, nominal)
    return Rates(ordinary, penalty, nominal, cap, part, due, undue, unpaid_interest)


def prepare(
    profile: ProductProfile, facts: Sequence[InstalmentFacts], paid_until: int, as_of: int
) -> list[Track]:
    """Tracks as of a day, with the payments made up to `paid_until`."""
    inclusive, offset = int(profile.as_of_inclusive), profile.penalty_start_offset
    tracks = []
    for fact in facts:
        start = (fact.penalty_from or fact.due_on).toordinal()
        closed = FAR if fact.closed_on is None else fact.closed_on.toordinal() + inclusive
        principal = interest = NO_EVENTS
        if fact.payments:
            principal, interest = _events(fact, start, paid_until, inclusive)
        tracks.append(
            Track(
                fact.number,
                start,
                start + offset,
                _end(start, closed, as_of, inclusive),
                0 if fact.opened_on is None else fact.opened_on.toordinal() + inclusive,
                closed,
                fact.principal_fen,
                fact.interest_fen,
                principal,
                interest,
            )
        )
    return tracks


def _end(start: int, closed: int, as_of: int, inclusive: int) -> int:
    stop = min(as_of + inclusive, closed)
    return stop if stop > start + inclusive else start


def on_day(profile: ProductProfile, tracks: Sequence[Track], as_of: int) -> list[Track]:
    """The same tracks counted up to another day: what the penalty would be if nothing is paid."""
    return [track._replace(end=counted_to(profile, track, as_of)) for track in tracks]


def counted_to(profile: ProductProfile, track: Track, as_of: int) -> int:
    """The day up to which the instalment's own penalty counts on another day."""
    return _end(track.start, track.closed, as_of, int(profile.as_of_inclusive))


def _events(
    fact: InstalmentFacts, start: int, paid_until: int, inclusive: int
) -> tuple[tuple[BalanceReduction, ...], tuple[BalanceReduction, ...]]:
    principal: list[BalanceReduction] = []
    interest: list[BalanceReduction] = []
    for payment in fact.payments:
        on = payment.on.toordinal()
        if on > paid_until:
            continue
        day = on + inclusive if on > start else min(on + inclusive, start)
        if payment.component == Component.PRINCIPAL:
            principal.append(BalanceReduction(day, payment.fen, payment.kind, on))
        elif payment.component == Component.INTEREST:
            interest.append(BalanceReduction(day, payment.fen, payment.kind, on))
    return tuple(sorted(principal)), tuple(sorted(interest))


def cleared(amount: int, events: Sequence[BalanceReduction]) -> int:
    """The effective day on which the balance reached zero; FAR when it has not."""
    if amount == 0:
        return -1
    for event in events:
        amount -= event.fen
        if amount == 0:
            return event.day
    return FAR


def balances(
    begin: int, end: int, amount: int, events: Sequence[BalanceReduction], first: str
) -> list[tuple[int, int, int, BalanceReduction | str, BalanceReduction | str]]:
    """(from, to, balance, begin mark, end mark) on [begin, end) where the balance is not zero."""
    if not events:
        return [(begin, end, amount, first, "end")] if amount > 0 and begin < end else []
    result: list[tuple[int, int, int, BalanceReduction | str, BalanceReduction | str]] = []
    cursor = begin
    current: BalanceReduction | str = first
    index = 0
    while index < len(events) and events[index].day <= begin:
        amount -= events[index].fen
        index += 1
    while index < len(events) and events[index].day < end and amount > 0:
        event = events[index]
        index += 1
        while index < len(events) and events[index].day == event.day:
            kind = event.kind if event.kind == events[index].kind else "mixed"
            event = BalanceReduction(event.day, event.fen + events[index].fen, kind, event.on)
            index += 1
        result.append((cursor, event.day, amount, current, event))
        amount -= event.fen
        cursor, current = event.day, event
    if amount > 0 and cursor < end:
        result.append((cursor, end, amount, current, "end"))
    return result
