"""Penalty interest: one formula whose segments are both the calculation and the explanation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from math import lcm
from typing import NamedTuple

from loans.domain._checks import check_date
from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts, Pause, check_facts
from loans.domain.penalty._accrual import CountedRuns, Run, all_runs, room_of, two_days
from loans.domain.penalty._ceiling import Room
from loans.domain.penalty._fee import LateFee, late_fee
from loans.domain.penalty._tracks import FAR, NOTHING, Price, Track, on_day, prepare
from loans.domain.penalty._weights import Weighed, principal_alone, scales_of, weigh
from loans.domain.penalty.segments import Segments
from loans.domain.profile import ProductProfile, check_profile
from portal.core.kernel.money import FEN, ZERO, Rounding, to_fen

PrincipalPenalty = Callable[[int, int, Iterable[tuple[int, int]]], int]  # see principal_penalty


class Charges(NamedTuple):
    """What the lateness of one instalment has come to, in yuan, before anything was paid of it."""

    penalty: Decimal
    compound: Decimal
    fee: Decimal


class InstalmentPenalty(NamedTuple):
    """Cumulative penalty of one instalment up to a date, from the facts alone, in yuan.

    `total` = `ordinary_part` + `surcharge_part`; `capped_part` is what the ceiling took away
    (not in total). `compound` is charged on unpaid interest and kept apart. What is already paid
    or waived of them is the ledger's to subtract. `per_day`: what one more day adds to total +
    compound + fee, as the difference of rounded sums.
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
    segments: Segments
    late_fee: LateFee | None

    @property
    def fee(self) -> Decimal:
        """The late fee charged so far."""
        return self.late_fee.charged if self.late_fee else ZERO

    @property
    def charges(self) -> Charges:
        """Its sums alone."""
        return Charges(self.total, self.compound, self.fee)

    @property
    def exact(self) -> Fraction:
        """Penalty in yuan before rounding: the sum of its segments."""
        parts = (s.amount_exact for s in self.segments if s.component is Component.PENALTY)
        return sum(parts, Fraction(0))


class PenaltyExplanation:
    """Penalty (compound, fee) of a loan as of a date; totals are sums of the instalments', in yuan.

    The instalments are written out when they are first read: whoever wants the sums needs none.
    """

    __slots__ = ("_build", "_instalments", "_sums", "as_of")

    def __init__(
        self,
        as_of: date,
        sums: Sums,
        build: Callable[[], tuple[InstalmentPenalty, ...]],
    ) -> None:
        self.as_of, self._sums, self._build = as_of, sums, build
        self._instalments: tuple[InstalmentPenalty, ...] | None = None

    @classmethod
    def of(cls, as_of: date, items: tuple[InstalmentPenalty, ...]) -> PenaltyExplanation:
        """The explanation of instalments that are written out already."""
        sums = [sum([getattr(item, name) for item in items], ZERO) for name in Sums._fields]
        return cls(as_of, Sums(*map(to_fen, sums)), lambda: items)

    @property
    def instalments(self) -> tuple[InstalmentPenalty, ...]:
        """Each instalment, in the order of the facts."""
        if self._instalments is None:
            self._instalments = self._build()
        return self._instalments

    @property
    def total(self) -> Decimal:
        """Penalty, without compound and fee."""
        return self._sums.total * FEN

    @property
    def ordinary_part(self) -> Decimal:
        """What of `total` the ordinary rate would have been."""
        return self._sums.ordinary_part * FEN

    @property
    def surcharge_part(self) -> Decimal:
        """What of `total` is beyond it."""
        return self.total - self.ordinary_part

    @property
    def capped_part(self) -> Decimal:
        """What the ceiling took away."""
        return self._sums.capped_part * FEN

    @property
    def compound(self) -> Decimal:
        """Charged on unpaid interest."""
        return self._sums.compound * FEN

    @property
    def fee(self) -> Decimal:
        """Late fees."""
        return self._sums.fee * FEN

    @property
    def per_day(self) -> Decimal:
        """What one more day adds."""
        return self._sums.per_day * FEN

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PenaltyExplanation):
            return NotImplemented
        return (self.as_of, self.instalments) == (other.as_of, other.instalments)

    def __hash__(self) -> int:
        return hash((self.as_of, self.instalments))


class Sums(NamedTuple):
    """Whole fen, by the names of InstalmentPenalty."""

    total: int
    ordinary_part: int
    capped_part: int
    compound: int
    fee: int
    per_day: int


def overdue_days(profile: ProductProfile, due_on: date, as_of: date) -> int:
    """Days overdue at as_of, 0 within grace (loans/RULES.md §3).

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

    Rule (loans/RULES.md §3): Σ unpaid due principal × effective rate × days over the segments between
    payments, exact, rounded once per instalment; effective rate = min(rate × multiplier,
    ceiling). Payments after as_of are ignored; a payment counts from its own date, however late
    it was booked. One result per fact, in the order of the facts. Principal repaid late keeps
    the penalty that ran until then. Raises InvalidInput (facts, as_of, pauses).

    Example: 1982.70 due 2023-07-10 at 0.03 % × 1.5, as of 2023-09-20: 72 days, 64.24.
    """
    check_profile(profile)
    check_date(as_of, "as_of", "截止日期")
    check_facts(facts, pauses)
    scales = scales_of(profile)
    if scales is None or pauses:
        return _explained_by_runs(profile, facts, as_of, pauses)
    rows = weigh(scales, facts, as_of.toordinal())
    total = compound = ordinary = capped = grown = 0
    for of_total, of_compound, of_ordinary, of_capped, of_grown in rows:
        total += of_total
        compound += of_compound
        ordinary += of_ordinary
        capped += of_capped
        grown += of_grown
    sums = Sums(total, ordinary, capped, compound, 0, grown)
    return PenaltyExplanation(as_of, sums, partial(_written_out, profile, facts, as_of, rows))


def _written_out(
    profile: ProductProfile, facts: Sequence[InstalmentFacts], as_of: date, rows: list[Weighed]
) -> tuple[InstalmentPenalty, ...]:
    """Weighed instalments in yuan; their segments are found when they are read."""
    today = as_of.toordinal()
    return tuple(
        [
            InstalmentPenalty(
                fact.number,
                fact.due_on,
                _late(profile, fact, today) if owing else 0,
                _yuan(total),
                _yuan(ordinary),
                _yuan(total - ordinary),
                _yuan(capped),
                _yuan(compound),
                _yuan(grown),
                _yuan(unpaid),
                Segments(profile, fact, partial(_counted, profile, fact, today)),
                None,
            )
            for fact, (total, compound, ordinary, capped, grown) in zip(facts, rows, strict=True)
            for unpaid, owing in [_unpaid(fact, today)]
        ]
    )


def _unpaid(fact: InstalmentFacts, today: int) -> tuple[int, bool]:
    """Fen of principal not paid by the end of the day, and whether anything is owed yet."""
    principal, interest = fact.principal_fen, fact.interest_fen
    for payment in fact.payments:
        if payment.on.toordinal() <= today:
            if payment.component is Component.PRINCIPAL:
                principal -= payment.fen
            elif payment.component is Component.INTEREST:
                interest -= payment.fen
    return principal, principal > 0 or interest > 0


def _counted(profile: ProductProfile, fact: InstalmentFacts, today: int) -> CountedRuns:
    """The runs of one instalment that the others do not touch."""
    return two_days(profile, prepare(profile, [fact], today, today + 1), today, (), None)[0]


def _explained_by_runs(
    profile: ProductProfile,
    facts: Sequence[InstalmentFacts],
    as_of: date,
    pauses: Sequence[Pause] = (),
) -> PenaltyExplanation:
    """The same from the runs of constant base: for every profile, and with pauses."""
    today = as_of.toordinal()
    tracks = prepare(profile, facts, today, today + 1)
    room = room_of(profile, tracks)
    counted = two_days(profile, tracks, today, pauses, room)
    now = then = _fees(profile, tracks, room, pauses)
    if profile.charges_late_fee:
        now = _fees(profile, on_day(profile, tracks, today), room, pauses)
    items = tuple(
        [
            _explain(profile, fact, track, counted_runs, today, room, fee, later)
            for fact, track, counted_runs, fee, later in zip(
                facts, tracks, counted, now, then, strict=True
            )
        ]
    )
    return PenaltyExplanation.of(as_of, items)


def penalty_totals(
    profile: ProductProfile,
    facts: Sequence[InstalmentFacts],
    as_of: date,
    *,
    pauses: Sequence[Pause] = (),
) -> tuple[Charges, ...]:
    """The charges of each fact, the same sums as explain_penalty without the sentences.

    For bookings and portfolios; units, rule and errors as there.
    """
    check_profile(profile)
    check_date(as_of, "as_of", "截止日期")
    check_facts(facts, pauses)
    scales = scales_of(profile)
    if scales is None or pauses:
        return _totals_by_runs(profile, facts, as_of, pauses)
    return tuple(
        [
            Charges(_yuan(total), _yuan(compound), ZERO)
            for total, compound, *_ in weigh(scales, facts, as_of.toordinal())
        ]
    )


def principal_penalty(profile: ProductProfile, as_of: date) -> PrincipalPenalty | None:
    """The `penalty` of penalty_totals as a function of bare numbers, for very many instalments.

    It takes the ordinal of the due date, the principal and what was paid of it up to as_of by ordinal,
    in fen, and holds for instalments that no schedule opened late or closed. None where they are not
    enough: grace, a fee, a charge on interest, a base of all that is outstanding.

    Example: 1982.70 due 2023-07-10 at 0.03 % × 1.5, as of 2023-09-20: (…, 198270, []) is 6424.
    """
    check_profile(profile)
    check_date(as_of, "as_of", "截止日期")
    scales = scales_of(profile)
    if scales is None or scales.counts_interest or profile.charges_late_fee:
        return None
    return partial(principal_alone, scales, as_of.toordinal())


def _totals_by_runs(
    profile: ProductProfile,
    facts: Sequence[InstalmentFacts],
    as_of: date,
    pauses: Sequence[Pause] = (),
) -> tuple[Charges, ...]:
    """The same from the runs of constant base: for every profile, and with pauses."""
    today = as_of.toordinal()
    tracks = prepare(profile, facts, today, today)
    room, mode = room_of(profile, tracks), profile.round_penalty
    runs = all_runs(profile, tracks, today, pauses, room)
    sums = [_charged(instalment_runs, FAR, mode, room) for instalment_runs in runs]
    if not profile.charges_late_fee:
        return tuple([Charges(_yuan(total), _yuan(compound), ZERO) for total, compound in sums])
    fees = _fees(profile, tracks, room, pauses)
    return tuple(
        [
            Charges(_yuan(total), _yuan(compound), _charged_fee(fee))
            for (total, compound), fee in zip(sums, fees, strict=True)
        ]
    )


def _fees(
    profile: ProductProfile, tracks: Sequence[Track], room: Room | None, pauses: Sequence[Pause]
) -> list[LateFee | None]:
    """The late fee of each track up to its end; as a rule nobody charges one."""
    if room is None or not profile.charges_late_fee:
        return [None] * len(tracks)
    return [late_fee(profile, track, room, pauses) for track in tracks]


def _explain(
    profile: ProductProfile,
    fact: InstalmentFacts,
    track: Track,
    counted: CountedRuns,
    today: int,
    room: Room | None,
    fee: LateFee | None,
    later: LateFee | None,
) -> InstalmentPenalty:
    mode = profile.round_penalty
    total, compound, ordinary, capped = _totals(counted.runs, counted.stop, mode, room)
    grown = sum(_charged(counted.later, FAR, mode, room)) - total - compound
    unpaid = track.unpaid(today + 1) if track.principal_events else track.principal
    owing = unpaid or track.interest > sum([event.fen for event in track.interest_events])
    return InstalmentPenalty(
        fact.number,
        fact.due_on,
        _late(profile, fact, today) if owing else 0,
        total * FEN,
        ordinary * FEN,
        (total - ordinary) * FEN,
        capped * FEN if capped else ZERO,
        compound * FEN if compound else ZERO,
        grown * FEN + (_charged_fee(later) - _charged_fee(fee) if later else ZERO),
        unpaid * FEN,
        Segments(profile, fact, lambda: counted),
        fee,
    )


def _late(profile: ProductProfile, fact: InstalmentFacts, today: int) -> int:
    """Days overdue of an instalment that owes, unless another schedule has taken it over."""
    if fact.closed_on is not None and today >= fact.closed_on.toordinal():
        return 0
    return _overdue(profile, fact.due_on.toordinal(), today)


def _charged_fee(fee: LateFee | None) -> Decimal:
    return fee.charged if fee else ZERO


def _charged(runs: list[Run], stop: int, mode: Rounding, room: Room | None) -> tuple[int, int]:
    """Penalty and compound, each the exact sum over the runs rounded once to whole fen."""
    if not runs:
        return 0, 0
    scale, penalty, compound = runs[0].price.scale, 0, 0
    for start, end, base, cost, _, _ in runs:
        if start >= stop:
            continue
        part = cost.rate_part * base * ((end if end < stop else stop) - start)
        if cost.scale != scale:
            wider = lcm(scale, cost.scale)
            penalty, compound = penalty * (wider // scale), compound * (wider // scale)
            scale, part = wider, part * (wider // cost.scale)
        if cost.component is Component.PENALTY:
            penalty += part
        else:
            compound += part
    return (
        _rounded(runs, stop, Component.PENALTY, penalty, scale, mode, room),
        _rounded(runs, stop, Component.COMPOUND, compound, scale, mode, room) if compound else 0,
    )


def _rounded(
    runs: list[Run],
    stop: int,
    component: Component,
    parts: int,
    scale: int,
    mode: Rounding,
    room: Room | None,
) -> int:
    """parts / scale as whole fen, but DOWN where the fen would pass the ceiling of the same days.

    What one balance may bear is its own part of the ceiling over the loan (loans/RULES.md §4), so
    that the rounded sums together stay under it, and no day takes a fen back.
    """
    down = parts // scale
    whole = _whole(parts, scale, mode)
    if whole == down:
        return down
    component_runs = [run for run in runs if run.price.component is component and run.start < stop]
    most = _most(component_runs, stop, room)
    return down if most is not None and whole > most else whole


def _most(runs: list[Run], stop: int, room: Room | None) -> Fraction | None:
    """The most that the ceiling lets runs bear up to `stop`, in fen; None without a ceiling."""
    weights: dict[Price, int] = {}
    spare = Fraction(0)
    for run in runs:
        end = min(run.end, stop)
        weights[run.price] = weights.get(run.price, 0) + run.base * (end - run.start)
        if room is not None and run.price is not NOTHING[run.component]:
            spare += run.base * room.spare(run.start, end)
    if room is not None:
        return sum((price.rate * weight for price, weight in weights.items()), spare)
    if any(price.limit is None for price in weights):
        return None
    return sum((price.limit * weight for price, weight in weights.items() if price.limit), spare)


def _totals(
    runs: list[Run], stop: int, mode: Rounding, room: Room | None
) -> tuple[int, int, int, int]:
    """Penalty, compound, ordinary part of the penalty, and what the ceiling took; whole fen."""
    if not runs:
        return 0, 0, 0, 0
    total, extra = _charged(runs, stop, mode, room)
    scale, ordinary, nominal = runs[0].price.scale, 0, 0
    for start, end, base, cost, _, _ in runs:
        if start >= stop:
            continue
        weight = base * ((end if end < stop else stop) - start)
        if cost.scale != scale:
            wider = lcm(scale, cost.scale)
            ordinary, nominal = ordinary * (wider // scale), nominal * (wider // scale)
            scale, weight = wider, weight * (wider // cost.scale)
        nominal += cost.nominal_part * weight
        if cost.component is Component.PENALTY:
            ordinary += cost.ordinary_part * weight
    capped = max(0, _whole(nominal, scale, mode) - total - extra)
    return total, extra, min(total, _whole(ordinary, scale, mode)), capped


def _whole(parts: int, scale: int, mode: Rounding) -> int:
    """parts / scale, not negative, as a whole number."""
    if mode is Rounding.DOWN:
        return parts // scale
    return (2 * parts + scale) // (2 * scale)


def _yuan(fen: int) -> Decimal:
    return fen * FEN if fen else ZERO
