"""The ceiling over all components of a loan: what it leaves beside the penalty on principal."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from loans.domain.penalty._tracks import ZERO_RATE, Rates, Track
from loans.domain.profile import PenaltyBase, ProductProfile


class Room:
    """What the ceiling leaves for penalty on unpaid interest, day by day, over the whole loan.

    Per day: ordinary interest on principal not yet due + penalty on overdue principal + charge
    on unpaid interest ≤ all unpaid principal × cap. Principal is charged first; what is left is
    shared by all unpaid interest in the same proportion. What is left even then is room for a late
    fee, or else for rounding up, shared by all that bears penalty in proportion to its amount.
    """

    def __init__(self, profile: ProductProfile, rates: Rates, tracks: Sequence[Track]) -> None:
        self._rates, self._tracks = rates, tracks
        in_base = profile.penalty_base is PenaltyBase.DUE_PRINCIPAL_AND_INTEREST
        self._on_interest = in_base or profile.compound_on_interest
        self._everything = profile.penalty_base is PenaltyBase.ALL_OUTSTANDING
        self._undue_rate = max(rates.ordinary, rates.penalty if self._everything else ZERO_RATE)
        days: set[int] = set()
        for track in tracks:
            days.update((track.start, track.begin, track.opened, track.closed))
            days.add(track.begin + profile.grace_days)
            days.update(event.day for event in track.principal_events)
            days.update(event.day for event in track.interest_events)
        self._days = sorted(days)
        self._known: dict[int, tuple[Fraction, Fraction]] = {}

    def factors(self, start: int, end: int) -> list[tuple[int, int, Fraction]]:
        """[start, end) cut where the share of the full rate changes."""
        result: list[tuple[int, int, Fraction]] = []
        for low, high in self._pieces(start, end):
            share = self._on(low)[0]
            if result and result[-1][2] == share:
                result[-1] = (result[-1][0], high, share)
            else:
                result.append((low, high, share))
        return result

    def spare(self, start: int, end: int) -> Fraction:
        """How much more one fen that bears penalty on [start, end) might bear, in fen."""
        pieces = self._pieces(start, end)
        return sum((self._on(low)[1] * (high - low) for low, high in pieces), ZERO_RATE)

    def _pieces(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        inside = self._days[bisect_right(self._days, start) : bisect_left(self._days, end)]
        return pairwise([start, *inside, end])

    def _on(self, day: int) -> tuple[Fraction, Fraction]:
        if day not in self._known:
            self._known[day] = self._compute(day)
        return self._known[day]

    def _compute(self, day: int) -> tuple[Fraction, Fraction]:
        """(share of the full rate that unpaid interest bears, what is left over per fen)."""
        late = undue = interest = 0
        for track in self._tracks:
            if not track.opened <= day < track.closed:
                continue
            if day >= track.start:
                late += track.unpaid(day)
                interest += track.interest - sum(
                    event.fen for event in track.interest_events if event.day <= day
                )
            else:
                undue += track.unpaid(day)
        cap, penalty = self._rates.cap or ZERO_RATE, self._rates.penalty
        room = (cap - penalty) * late + max(ZERO_RATE, cap - self._undue_rate) * undue
        wanted = penalty * interest if self._on_interest else ZERO_RATE
        if wanted > room:
            return max(ZERO_RATE, room / wanted), ZERO_RATE
        bearing = late + interest + (undue if self._everything else 0)
        return Fraction(1), (room - wanted) / bearing if bearing else ZERO_RATE
