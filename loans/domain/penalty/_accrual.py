"""Which amount bears penalty at which rate on which days: runs of constant base, in whole fen.

Days are ordinals and half-open: [from, to). A run is only found here; interest.py sums and
explains runs and never computes days by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from loans.domain.components import Component
from loans.domain.facts import Pause
from loans.domain.penalty._ceiling import Room
from loans.domain.penalty._tracks import (
    FAR,
    NOTHING,
    BalanceReduction,
    Price,
    Rates,
    Track,
    balances,
    cleared,
    counted_to,
    on_day,
    price,
    rates_of,
)
from loans.domain.profile import PenaltyBase, ProductProfile


class Run(NamedTuple):
    """Constant base and rate on [start, end); begin/finish are the Events or marks at its ends."""

    start: int
    end: int
    base: int
    price: Price
    begin: BalanceReduction | str
    finish: BalanceReduction | str

    @property
    def component(self) -> Component:
        """What it is charged as: penalty or compound."""
        return self.price.component


def first_day(
    profile: ProductProfile, track: Track, amount: int, events: Sequence[BalanceReduction]
) -> int:
    """The day penalty begins for this balance, or FAR while grace protects it.

    Never before its schedule opened: until then its principal was another instalment's.
    """
    grace = profile.grace_days
    if not grace:
        return max(track.begin, track.opened)
    if min(track.end, cleared(amount, events)) - track.begin <= grace:
        return FAR
    return max(track.opened, track.begin if profile.grace_retroactive else track.begin + grace)


def instalment_runs(
    profile: ProductProfile, rates: Rates, track: Track, room: Room | None
) -> list[Run]:
    """Runs of one instalment after its due date: principal, then interest where it counts."""
    runs: list[Run] = []
    start = first_day(profile, track, track.principal, track.principal_events)
    for from_, to, base, begin, finish in balances(
        start, track.end, track.principal, track.principal_events, "due"
    ):
        runs.append(Run(from_, to, base, rates.due, begin, finish))
    if _charges_interest(profile):
        start = first_day(profile, track, track.interest, track.interest_events)
        for piece in balances(start, track.end, track.interest, track.interest_events, "due"):
            runs.extend(_interest_runs(rates, piece, room))
    return runs


def _charges_interest(profile: ProductProfile) -> bool:
    in_base = profile.penalty_base is PenaltyBase.DUE_PRINCIPAL_AND_INTEREST
    return in_base or profile.compound_on_interest


def _interest_runs(
    rates: Rates,
    piece: tuple[int, int, int, BalanceReduction | str, BalanceReduction | str],
    room: Room | None,
) -> list[Run]:
    from_, to, base, begin, finish = piece
    full, runs = rates.unpaid_interest, []
    for start, end, factor in room.factors(from_, to) if room else [(from_, to, Fraction(1))]:
        cost, rate = full, rates.penalty * factor
        if factor != 1:
            cost = price(full.component, rate, min(rates.part, rate), rates.nominal)
        begins: BalanceReduction | str = begin if start == from_ else "room"
        ends: BalanceReduction | str = finish if end == to else "room"
        runs.append(Run(start, end, base, cost, begins, ends))
    return runs


def undue_runs(
    rates: Rates, track: Track, overdue: Sequence[tuple[int, int]], end: int
) -> list[Run]:
    """Base all_outstanding: surcharge on principal not yet due while another instalment is late.

    Only the surcharge: the ordinary interest of these days is in the schedule already, and the
    penalty rate replaces the ordinary rate, it is not added to it.
    """
    runs = []
    for from_, to in overdue:
        low = max(from_, track.opened)
        high = min(to, track.start, track.closed, end)
        for start, stop, base, begin, finish in balances(
            low, high, track.principal, track.principal_events, "other"
        ):
            runs.append(Run(start, stop, base, rates.undue, begin, finish))
    return runs


def overdue_spans(profile: ProductProfile, tracks: Sequence[Track]) -> list[tuple[int, int]]:
    """Union of the days on which any instalment's principal or interest is overdue."""
    spans = []
    for track in tracks:
        for amount, events in (
            (track.principal, track.principal_events),
            (track.interest, track.interest_events),
        ):
            start = first_day(profile, track, amount, events)
            stop = min(track.end, cleared(amount, events))
            if start < stop:
                spans.append((start, stop))
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def without_pauses(runs: list[Run], pauses: Sequence[Pause]) -> list[Run]:
    """The same runs, with rate zero inside each pause."""
    for pause in pauses:
        low, high = pause.from_on.toordinal(), pause.to_on.toordinal()
        cut: list[Run] = []
        for run in runs:
            none = NOTHING[run.component]
            if run.price is none or high <= run.start or run.end <= low:
                cut.append(run)
                continue
            inner = (max(low, run.start), min(high, run.end))
            mark = f"pause:{pause.reason}"
            if run.start < inner[0]:
                cut.append(run._replace(end=inner[0], finish=mark))
            ends = "resume" if inner[1] < run.end else run.finish
            cut.append(
                run._replace(start=inner[0], end=inner[1], price=none, begin=mark, finish=ends)
            )
            if inner[1] < run.end:
                cut.append(run._replace(start=inner[1], begin="resume"))
        runs = cut
    return runs


def room_of(profile: ProductProfile, tracks: Sequence[Track]) -> Room | None:
    """The ceiling over the whole loan, where more than penalty on principal is charged below one."""
    shares = _charges_interest(profile) or profile.charges_late_fee
    capped = shares and profile.annual_cap is not None
    return Room(profile, rates_of(profile), tracks) if capped else None


def all_runs(
    profile: ProductProfile,
    tracks: Sequence[Track],
    as_of: int,
    pauses: Sequence[Pause],
    room: Room | None,
) -> list[list[Run]]:
    """Runs of every instalment up to as_of, in the order of the tracks."""
    rates = rates_of(profile)
    runs = [instalment_runs(profile, rates, track, room) for track in tracks]
    if profile.penalty_base is PenaltyBase.ALL_OUTSTANDING:
        spans = overdue_spans(profile, tracks)
        end = as_of + int(profile.as_of_inclusive)
        runs = [
            undue_runs(rates, track, spans, end) + one_track
            for track, one_track in zip(tracks, runs, strict=True)
        ]
    return [without_pauses(one_track, pauses) for one_track in runs] if pauses else runs


class CountedRuns(NamedTuple):
    """Runs of one instalment, of which only the days before `stop` count, and the next day's."""

    runs: list[Run]
    stop: int
    later: list[Run]

    def cut(self) -> list[Run]:
        """The runs before `stop`; the one that reaches over it ends there."""
        runs = []
        for run in self.runs:
            if run.end < self.stop:
                runs.append(run)
            elif run.start < self.stop:
                runs.append(run._replace(end=self.stop, finish="end"))
        return runs


def two_days(
    profile: ProductProfile,
    tracks: Sequence[Track],
    as_of: int,
    pauses: Sequence[Pause],
    room: Room | None,
) -> list[CountedRuns]:
    """Runs up to as_of and, if nothing is paid meanwhile, to the next day; tracks of as_of + 1.

    As a rule the next day changes nothing about the days before it: today's runs are tomorrow's,
    stopped earlier. Not so with grace (the day that exceeds it brings them all) and where one
    instalment's delay makes the others bear penalty: then today is found by itself.
    """
    later = all_runs(profile, tracks, as_of + 1, pauses, room)
    if profile.grace_days or profile.penalty_base is PenaltyBase.ALL_OUTSTANDING:
        now = all_runs(profile, on_day(profile, tracks, as_of), as_of, pauses, room)
        return [CountedRuns(a, FAR, b) for a, b in zip(now, later, strict=True)]
    return [
        CountedRuns(runs, counted_to(profile, track, as_of), runs)
        for track, runs in zip(tracks, later, strict=True)
    ]
