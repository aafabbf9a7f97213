"""Facts prepared for counting: whole fen, day ordinals, and the exact rates of a profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts
from loans.domain.profile import ProductProfile

FAR = 10**8
ZERO_RATE = Fraction(0)


class Event(NamedTuple):
    """A reduction of one balance: effective day, fen, what it was, and the day it happened."""

    day: int
    fen: int
    kind: str
    on: int


@dataclass(frozen=True, slots=True)
class Track:
    """One instalment prepared for a date: when it counts, and what reduces it."""

    number: int
    start: int
    begin: int
    end: int
    opened: int
    closed: int
    principal: int
    interest: int
    principal_events: tuple[Event, ...]
    interest_events: tuple[Event, ...]

    def left(self, day: int) -> int:
        """Unpaid principal on the day, in fen."""
        return self.principal - sum(
            event.fen for event in self.principal_events if event.day <= day
        )


@dataclass(frozen=True, slots=True)
class Rates:
    """The exact daily rates of a profile, computed once per call."""

    ordinary: Fraction
    penalty: Fraction
    nominal: Fraction
    cap: Fraction | None
    part: Fraction
    surcharge: Fraction


def rates_of(profile: ProductProfile) -> Rates:
    """Exact rates; `part` is the ordinary share of the penalty rate, `surcharge` the rest."""
    ordinary, penalty = profile.daily_rate, profile.penalty_rate
    part = min(ordinary, penalty)
    nominal, cap = profile.nominal_penalty_rate, profile.cap_daily_rate
    return Rates(ordinary, penalty, nominal, cap, part, penalty - part)


def prepare(
    profile: ProductProfile, facts: Sequence[InstalmentFacts], known: int, as_of: int
) -> list[Track]:
    """Tracks as of a day, with the payments made up to `known`."""
    inclusive, offset = int(profile.as_of_inclusive), profile.penalty_start_offset
    tracks = []
    for fact in facts:
        start = (fact.penalty_from or fact.due_on).toordinal()
        closed = FAR if fact.closed_on is None else fact.closed_on.toordinal()
        stop = min(as_of, closed)
        principal, interest = _events(fact, start, known, inclusive)
        tracks.append(
            Track(
                fact.number,
                start,
                start + offset,
                stop + inclusive if stop > start else start,
                0 if fact.opened_on is None else fact.opened_on.toordinal(),
                closed,
                int(fact.principal * 100),
                int(fact.interest * 100),
                principal,
                interest,
            )
        )
    return tracks


def _events(
    fact: InstalmentFacts, start: int, known: int, inclusive: int
) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    if not fact.payments:
        return (), ()
    principal: list[Event] = []
    interest: list[Event] = []
    for payment in fact.payments:
        on = payment.on.toordinal()
        if on > known:
            continue
        day = on + inclusive if on > start else on
        if payment.component == Component.PRINCIPAL:
            principal.append(Event(day, int(payment.amount * 100), payment.kind, on))
        elif payment.component == Component.INTEREST:
            interest.append(Event(day, int(payment.amount * 100), payment.kind, on))
    return tuple(sorted(principal)), tuple(sorted(interest))


def cleared(amount: int, events: Sequence[Event]) -> int:
    """The effective day on which the balance reached zero; FAR when it has not."""
    if amount == 0:
        return -1
    for event in events:
        amount -= event.fen
        if amount == 0:
            return event.day
    return FAR


def balances(
    begin: int, end: int, amount: int, events: Sequence[Event], first: str
) -> list[tuple[int, int, int, Event | str, Event | str]]:
    """(from, to, balance, begin mark, end mark) on [begin, end) where the balance is not zero."""
    result = []
    cursor, mark = begin, first
    current: Event | str = mark
    index = 0
    while index < len(events) and events[index].day <= begin:
        amount -= events[index].fen
        index += 1
    while index < len(events) and events[index].day < end and amount > 0:
        event = events[index]
        index += 1
        while index < len(events) and events[index].day == event.day:
            kind = event.kind if event.kind == events[index].kind else "mixed"
            event = Event(event.day, event.fen + events[index].fen, kind, event.on)
            index += 1
        result.append((cursor, event.day, amount, current, event))
        amount -= event.fen
        cursor, current = event.day, event
    if amount > 0 and cursor < end:
        result.append((cursor, end, amount, current, "end"))
    return result
