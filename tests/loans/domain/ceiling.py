"""The ceiling of loans/RULES.md §4 for a whole loan, counted apart from the rules that keep it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts
from loans.domain.profile import ProductProfile


def ceiling(
    profile: ProductProfile, facts: Sequence[InstalmentFacts], begin: date, end: date
) -> Fraction:
    """The most that lateness may cost in the nights [begin, end), in yuan, exact.

    All unpaid principal × cap × nights, less the ordinary interest of what is not yet due.
    """
    cap = profile.cap_daily_rate
    assert cap is not None
    beside = max(Fraction(0), cap - profile.daily_rate)
    shift = timedelta(days=int(profile.as_of_inclusive))
    room = Fraction(0)
    for fact in facts:
        first = begin if fact.opened_on is None else max(begin, fact.opened_on + shift)
        last = end if fact.closed_on is None else min(end, fact.closed_on + shift)
        gone = [
            (
                payment.on + shift
                if payment.on > fact.due_on
                else min(payment.on + shift, fact.due_on),
                payment.amount,
            )
            for payment in fact.payments
            if payment.component is Component.PRINCIPAL
        ]
        edges = sorted({first, last, fact.due_on, *(day for day, _ in gone)})
        for night, following in pairwise(edges):
            if first <= night and following <= last:
                left = fact.principal - sum(amount for day, amount in gone if day <= night)
                rate = cap if fact.due_on <= night else beside
                room += Fraction(left) * rate * (following - night).days
    return room
