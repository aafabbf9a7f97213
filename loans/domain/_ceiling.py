"""The ceiling over all components of a loan: what it leaves for charges on unpaid interest."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from loans.domain._tracks import ZERO_RATE, Rates, Track
from loans.domain.profile import PenaltyBase, ProductProfile


class Room:
    """What the ceiling leaves for penalty on unpaid interest, day by day, over the whole loan.

    Per day: ordinary interest on principal not yet due + penalty on overdue principal + charge
    on unpaid interest ≤ all unpaid principal × cap. Principal is charged first; what is left is
    shared by all unpaid interest in the same proportion.
    """

    def __init__(self, profile: ProductProfile, rates: Rates, tracks: Sequence[Track]) -> None:
        self._rates, self._tracks = rates, tracks
        everything = profile.penalty_base is PenaltyBase.ALL_OUTSTANDING
        self._undue_rate = max(rates.ordinary, rates.penalty if everything else ZERO_RATE)
        days: set[int] = set()
        for track in tracks:
            days.update((track.start, track.begin, track.opened, track.closed))
            days.add(track.begin + profile.grace_days)
            days.update(event.day for event in track.principal_events)
            days.update(event.day for event in track.interest_events)
        self._days = sorted(days)
        self._known: dict[int, Fraction] = {}

    def factors(self, start: int, end: int) -> list[tuple[int, int, Fraction]]:
        """[start, end) cut where the share of the full rate changes."""
        edges = [start, *(day for day in self._days if start < day < end), end]
        result: list[tuple[int, int, Fraction]] = []
        for low, high in pairwise(edges):
            share = self._share(low)
            if result and result[-1][2] == share:
                result[-1] = (result[-1][0], high, share)
            else:
                result.append((low, high, share))
        return result

    def _share(self, day: int) -> Fraction:
        if day not in self._known:
            self._known[day] = self._compute(day)
        return self._known[day]

    def _compute(self, day: int) -> Fraction:
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
        wanted = penalty * interest
        return Fraction(1) if wanted <= room else max(ZERO_RATE, room / wanted)
