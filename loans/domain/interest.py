"""Penalty interest: one formula whose segments are both the calculation and the explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from loans.domain._accrual import Run, all_runs
from loans.domain._checks import check_date
from loans.domain._reasons import begin_reason, end_reason
from loans.domain._tracks import Price, Track, on_day, prepare
from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts, Pause, check_facts
from loans.domain.profile import ProductProfile, check_profile
from portal.kernel.money import FEN, ZERO, Rounding

_WIDE = Context(prec=60)
_TWELVE = Decimal("1e-12")


def _shown(value: Fraction) -> Decimal:
    exact = _WIDE.divide(Decimal(value.numerator), Decimal(value.denominator))
    return exact.quantize(_TWELVE, rounding=ROUND_HALF_EVEN, context=_WIDE)


class Segment(NamedTuple):
    """Days [from_on, to_on) of one instalment in which base and rate did not change.

    Read half-open day numbers as nights: the night from the due date to the next day is the first
    day of penalty, so people are shown `first_day`–`last_day`, both included. `rate` and
    `amount_exact` are Fractions (24 % over 365 days has no finite decimal); `amount` and
    `rate_shown` are those to 12 places, for screens and CSV. Nothing here is rounded to fen: the
    sum of amount_exact is rounded once per instalment and component.
    """

    from_on: date
    to_on: date
    days: int
    base: Decimal
    rate: Fraction
    reason: str
    end_reason: str
    component: Component
    first_day: date
    last_day: date
    ordinary_rate: Fraction
    nominal_rate: Fraction

    @property
    def amount_exact(self) -> Fraction:
        """base × rate × days in yuan, exact: 1982.70 × 0.00045 × 72 = 64.239480."""
        return Fraction(self.base) * self.rate * self.days

    @property
    def amount(self) -> Decimal:
        """amount_exact to 12 decimal places."""
        return _shown(self.amount_exact)

    @property
    def rate_shown(self) -> Decimal:
        """The effective daily rate to 12 decimal places: 0.24/365 is 0.000657534247."""
        return _shown(self.rate)


class InstalmentPenalty(NamedTuple):
    """Cumulative penalty of one instalment up to a date, from the facts alone, in yuan.

    `total` = `ordinary_part` + `surcharge_part`; `capped_part` is what the ceiling took away
    (not in total). `compound` is charged on unpaid interest and kept apart. What is already paid
    or waived of them is the ledger's to subtract. `per_day`: what one more day adds to total +
    compound, as the difference of rounded sums.
    """

    number: int
    due_on: date
    overdue_days: int
    total: Decimal
    ordinary_part: Decimal
    surcharge_part: Decimal
    capped_part: Decimal
    compound: Decimal
    per_day: Decimal
    unpaid_principal: Decimal
    segments: tuple[Segment, ...]

    @property
    def exact(self) -> Fraction:
        """Penalty in yuan before rounding: the sum of its segments."""
        parts = (s.amount_exact for s in self.segments if s.component is Component.PENALTY)
        return sum(parts, Fraction(0))


@dataclass(frozen=True, slots=True)
class PenaltyExplanation:
    """Penalty (and compound) of a loan as of a date; totals are sums of the instalments'."""

    as_of: date
    instalments: tuple[InstalmentPenalty, ...]
    total: Decimal
    ordinary_part: Decimal
    surcharge_part: Decimal
    capped_part: Decimal
    compound: Decimal
    per_day: Decimal


def overdue_days(profile: ProductProfile, due_on: date, as_of: date) -> int:
    """Days overdue at as_of, 0 within grace (domain.md §3).

    as_of − due − penalty_start_offset, plus 1 when as_of_inclusive; never on or before the due
    date, which is on time until 24:00. Example: due 2023-07-10, as of 2023-07-11: 1.
    """
    check_profile(profile)
    check_date(due_on, "due_on", "到期日")
    check_date(as_of, "as_of", "截止日期")
    return _overdue(profile, due_on.toordinal(), as_of.toordinal())


def _overdue(profile: ProductProfile, due: int, as_of: int) -> int:
    if as_of <= due:
        return 0
    days = max(0, as_of - due - profile.penalty_start_offset + int(profile.as_of_inclusive))
    return days if days > profile.grace_days else 0


def explain_penalty(
    profile: ProductProfile,
    facts: Sequence[InstalmentFacts],
    as_of: date,
    *,
    pauses: Sequence[Pause] = (),
) -> PenaltyExplanation:
    """Cumulative penalty of every instalment as of a date, with the segments that make it.

    Rule (domain.md §3): Σ unpaid due principal × effective rate × days over the segments between
    payments, exact, rounded once per instalment; effective rate = min(rate × multiplier,
    ceiling). Payments after as_of are ignored; a payment counts from its own date, however late
    it was booked. One result per fact, in the order of the facts. Principal repaid late keeps
    the penalty that ran until then. Raises InvalidInput (facts, as_of, pauses).

    Example: 1982.70 due 2023-07-10 at 0.03 % × 1.5, as of 2023-09-20: 72 days, 64.24.
    """
    check_profile(profile)
    check_date(as_of, "as_of", "截止日期")
    check_facts(facts, pauses)
    today = as_of.toordinal()
    tracks = prepare(profile, facts, today, today)
    today_runs = all_runs(profile, tracks, today, pauses)
    tomorrow_runs = all_runs(profile, on_day(profile, tracks, today + 1), today + 1, pauses)
    items = tuple(
        _explain(profile, fact, track, runs, later, today)
        for fact, track, runs, later in zip(facts, tracks, today_runs, tomorrow_runs, strict=True)
    )
    return PenaltyExplanation(
        as_of,
        items,
        sum((item.total for item in items), ZERO),
        sum((item.ordinary_part for item in items), ZERO),
        sum((item.surcharge_part for item in items), ZERO),
        sum((item.capped_part for item in items), ZERO),
        sum((item.compound for item in items), ZERO),
        sum((item.per_day for item in items), ZERO),
    )


def penalty_totals(
    profile: ProductProfile,
    facts: Sequence[InstalmentFacts],
    as_of: date,
    *,
    pauses: Sequence[Pause] = (),
) -> tuple[tuple[Decimal, Decimal], ...]:
    """(penalty, compound) per fact, the same sums as explain_penalty without the sentences.

    For bookings and portfolios; units, rule and errors as there.
    """
    check_profile(profile)
    check_date(as_of, "as_of", "截止日期")
    check_facts(facts, pauses)
    today = as_of.toordinal()
    runs = all_runs(profile, prepare(profile, facts, today, today), today, pauses)
    sums = [_totals(own, profile.round_penalty) for own in runs]
    return tuple([(_yuan(total), _yuan(compound)) for total, compound, _, _ in sums])


def _explain(
    profile: ProductProfile,
    fact: InstalmentFacts,
    track: Track,
    runs: list[Run],
    later: list[Run],
    today: int,
) -> InstalmentPenalty:
    total, compound, ordinary, capped = _totals(runs, profile.round_penalty)
    grown = 0
    if later != runs:
        grown = sum(_totals(later, profile.round_penalty)[:2]) - total - compound
    unpaid = track.left(today + 1)
    owing = unpaid or track.interest > sum(event.fen for event in track.interest_events)
    late = _overdue(profile, fact.due_on.toordinal(), today) if today < track.closed else 0
    return InstalmentPenalty(
        fact.number,
        fact.due_on,
        late if owing else 0,
        _yuan(total),
        _yuan(ordinary),
        _yuan(total - ordinary),
        _yuan(capped),
        _yuan(compound),
        _yuan(grown),
        _yuan(unpaid),
        tuple([_segment(profile, fact, run) for run in runs]),
    )


def _totals(runs: list[Run], mode: Rounding) -> tuple[int, int, int, int]:
    """Penalty, compound, ordinary part of the penalty, and what the ceiling took; whole fen.

    Base × days are added as whole numbers per set of rates; each kind is rounded once.
    """
    if not runs:
        return 0, 0, 0, 0
    weights: dict[tuple[Component, Price], int] = {}
    if len(runs) == 1:
        ((start, end, base, only, kind, _, _),) = runs
        weights = {(kind, only): base * (end - start)}
        scale = only.scale
    else:
        for start, end, base, cost, kind, _, _ in runs:
            weights[kind, cost] = weights.get((kind, cost), 0) + base * (end - start)
        scale = lcm(*[cost.scale for _, cost in weights])
    penalty = compound = ordinary = nominal = 0
    for (component, cost), weight in weights.items():
        weight *= scale // cost.scale
        if component is Component.PENALTY:
            penalty += cost.rate_part * weight
            ordinary += cost.ordinary_part * weight
        else:
            compound += cost.rate_part * weight
        nominal += cost.nominal_part * weight
    total, extra = _whole(penalty, scale, mode), _whole(compound, scale, mode)
    capped = max(0, _whole(nominal, scale, mode) - total - extra)
    return total, extra, min(total, _whole(ordinary, scale, mode)), capped


def _segment(profile: ProductProfile, fact: InstalmentFacts, run: Run) -> Segment:
    shift = 0 if profile.as_of_inclusive else 1
    return Segment(
        date.fromordinal(run.start),
        date.fromordinal(run.end),
        run.end - run.start,
        _yuan(run.base),
        run.price.rate,
        begin_reason(profile, fact, run),
        end_reason(fact, run, date.fromordinal(run.end - 1 + shift)),
        run.component,
        date.fromordinal(run.start + shift),
        date.fromordinal(run.end - 1 + shift),
        run.price.ordinary,
        run.price.nominal,
    )


def _whole(parts: int, scale: int, mode: Rounding) -> int:
    """parts / scale, not negative, as a whole number."""
    if mode is Rounding.DOWN:
        return parts // scale
    return (2 * parts + scale) // (2 * scale)


def _yuan(fen: int) -> Decimal:
    return fen * FEN if fen else ZERO
