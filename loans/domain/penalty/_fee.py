"""The late fee of an instalment (loans/RULES.md §3): what the contract names, within the ceiling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from loans.domain.facts import Pause
from loans.domain.penalty._accrual import first_day
from loans.domain.penalty._ceiling import Room
from loans.domain.penalty._tracks import FAR, Track, balances
from loans.domain.profile import ProductProfile
from portal.core.kernel.money import FEN, from_fen


class LateFee(NamedTuple):
    """How the fee of one instalment came about, in yuan.

    `full` is what the contract names for the `base`, unpaid when the lateness began; `room` is what
    the ceiling has left beside the other charges so far, exact. `charged` = the smaller, DOWN.
    """

    base: Decimal
    full: Decimal
    room: Fraction
    charged: Decimal


def late_fee(
    profile: ProductProfile, track: Track, room: Room, pauses: Sequence[Pause]
) -> LateFee | None:
    """The fee of an instalment up to the track's end; None while nothing of it is late."""
    sides = (
        (track.principal, track.principal_events),
        (track.interest, track.interest_events),
    )
    begin = min(first_day(profile, track, amount, events) for amount, events in sides)
    if begin == FAR or begin >= track.end:
        return None
    base, left = 0, Fraction(0)
    for amount, events in sides:
        base += amount - sum(event.fen for event in events if event.day <= begin)
        for start, end, balance, *_ in balances(begin, track.end, amount, events, "due"):
            for low, high in _outside(pauses, start, end):
                left += balance * room.spare(low, high)
    if not base:
        return None
    full = _full(profile, base)
    return LateFee(from_fen(base), from_fen(full), left / 100, from_fen(min(full, left // 1)))


def _full(profile: ProductProfile, base: int) -> int:
    """In fen: the fixed part + the share of the base, DOWN, at most the product's own limit."""
    exact = Fraction(profile.late_fee) / Fraction(FEN) + Fraction(profile.late_fee_share) * base
    if profile.late_fee_most is not None:
        exact = min(exact, Fraction(profile.late_fee_most) / Fraction(FEN))
    return exact // 1


def _outside(pauses: Sequence[Pause], start: int, end: int) -> Iterator[tuple[int, int]]:
    """[start, end) without the days of the pauses."""
    for pause in sorted(pauses, key=lambda one: one.from_on):
        low, high = pause.from_on.toordinal(), pause.to_on.toordinal()
        if high <= start or end <= low:
            continue
        if start < low:
            yield start, low
        start = max(start, min(high, end))
    if start < end:
        yield start, end
