"""Penalty in whole numbers where every balance of a loan costs the same: base × days, once a day's rate.

The sums of the runs in interest.py without the runs: no order of events, no segments. What a payment
of an instalment takes away is its amount × the days that it lies before the end, so that one pass
over the payments weighs the instalment up to today and to tomorrow. Tests hold both ways together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts
from loans.domain.penalty._tracks import rates_of
from loans.domain.profile import PenaltyBase, ProductProfile
from portal.core.kernel.money import Rounding


class Scales(NamedTuple):
    """The numbers of a profile, for sums that are rounded as (2 × parts + half) // whole.

    `rate`, `ordinary` and `nominal` are doubled parts a day and fen; `limit` is the most a day, as
    (numerator, denominator), or None.
    """

    whole: int
    half: int
    rate: int
    ordinary: int
    nominal: int
    limit: tuple[int, int] | None
    offset: int
    inclusive: int
    counts_interest: bool
    interest_is_compound: bool


# One instalment in whole fen: total, compound, ordinary part, capped part, what the next day adds.
Weighed = tuple[int, int, int, int, int]
NOTHING: Weighed = (0, 0, 0, 0, 0)


@lru_cache(maxsize=256)
def scales_of(profile: ProductProfile) -> Scales | None:
    """None where weights are not enough.

    That is: grace (the day that exceeds it brings the days before it), a base that one instalment's
    delay gives to the others, and a ceiling that several charges share.
    """
    in_base = profile.penalty_base is PenaltyBase.DUE_PRINCIPAL_AND_INTEREST
    counts_interest = in_base or profile.compound_on_interest
    shared = profile.annual_cap is not None and (counts_interest or profile.charges_late_fee)
    if profile.grace_days or shared or profile.penalty_base is PenaltyBase.ALL_OUTSTANDING:
        return None
    due = rates_of(profile).due
    return Scales(
        2 * due.scale,
        0 if profile.round_penalty is Rounding.DOWN else due.scale,
        2 * due.rate_part,
        2 * due.ordinary_part,
        2 * due.nominal_part,
        None if due.limit is None else (due.limit.numerator, due.limit.denominator),
        profile.penalty_start_offset,
        int(profile.as_of_inclusive),
        counts_interest,
        profile.compound_on_interest,
    )


def weigh(scales: Scales, facts: Sequence[InstalmentFacts], today: int) -> list[Weighed]:
    """The sums of every instalment on a day (ordinal) and what the next day adds."""
    inclusive, offset, counts_interest = scales.inclusive, scales.offset, scales.counts_interest
    stop = today + inclusive
    rows = []
    for fact in facts:
        start = (fact.penalty_from or fact.due_on).toordinal()
        begin, end = start + offset, stop
        if fact.opened_on is not None:
            begin = max(begin, fact.opened_on.toordinal() + inclusive)
        later = stop + 1
        if fact.closed_on is not None:
            closed = fact.closed_on.toordinal() + inclusive
            end, later = min(end, closed), min(later, closed)
        if later <= start + inclusive or later <= begin:
            rows.append(NOTHING)
            continue
        if end <= start + inclusive or end < begin:
            end = begin
        if counts_interest or fact.payments:
            weights = _weights(scales, fact, (start, begin, end, later), today)
            rows.append(_summed(scales, *weights))
        else:
            principal = fact.principal_fen
            rows.append(
                _summed(scales, principal * (end - begin), principal * (later - begin), 0, 0)
            )
    return rows


def _weights(
    scales: Scales, fact: InstalmentFacts, days: tuple[int, int, int, int], today: int
) -> tuple[int, int, int, int]:
    """Fen × days up to `end` and to `later`: of what costs penalty, then of what costs compound."""
    start, begin, end, later = days
    principal, interest = fact.principal_fen, fact.interest_fen
    now, then = principal * (end - begin), principal * (later - begin)
    interest_now, interest_then = interest * (end - begin), interest * (later - begin)
    for payment in fact.payments:
        on = payment.on.toordinal()
        if on > today:
            continue
        day = on + scales.inclusive if on > start else begin
        if day < begin:
            day = begin
        taken, taken_then = max(0, end - day) * payment.fen, max(0, later - day) * payment.fen
        if payment.component is Component.PRINCIPAL:
            now -= taken
            then -= taken_then
        elif payment.component is Component.INTEREST:
            interest_now -= taken
            interest_then -= taken_then
    if not scales.counts_interest:
        return now, then, 0, 0
    if scales.interest_is_compound:
        return now, then, interest_now, interest_then
    return now + interest_now, then + interest_then, 0, 0


def principal_alone(
    scales: Scales, today: int, due: int, principal: int, paid: Iterable[tuple[int, int]]
) -> int:
    """The total of an instalment that no schedule opened late or closed, where only principal bears.

    Days are ordinals, amounts fen; ``paid`` is what was paid of the principal, by day, none after today.
    """
    begin, end = due + scales.offset, today + scales.inclusive
    if today <= due or end <= begin:
        return 0
    weight = principal * (end - begin)
    for on, fen in paid:
        day = max(begin, on + scales.inclusive) if on > due else begin
        if day < end:
            weight -= (end - day) * fen
    return _charged(scales, weight)


def _charged(scales: Scales, weight: int) -> int:
    """Fen for so many fen × days, DOWN where the fen would pass the ceiling (interest.py: _rounded)."""
    charged = (scales.rate * weight + scales.half) // scales.whole
    if scales.limit is not None:
        most, scale = scales.limit
        if charged * scale > most * weight:
            return scales.rate * weight // scales.whole
    return charged


def _summed(
    scales: Scales, now: int, then: int, of_interest: int, of_interest_then: int
) -> Weighed:
    whole, half, rate, ordinary, nominal = scales[:5]
    total, later = _charged(scales, now), _charged(scales, then)
    compound = 0
    if of_interest_then:
        compound = (rate * of_interest + half) // whole
        later += (rate * of_interest_then + half) // whole
    charged = total + compound
    before_ceiling = (nominal * (now + of_interest) + half) // whole
    return (
        total,
        compound,
        min(total, (ordinary * now + half) // whole),
        before_ceiling - charged if before_ceiling > charged else 0,
        later - charged,
    )
