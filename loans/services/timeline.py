"""The acts of a loan by date and place: payments, and what opened a schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Min

from loans.models import Entry, Payment, Schedule
from loans.services.booking import AGAIN, Books

DONE_AGAIN = {
    Schedule.Kind.BREACHED.value: (Entry.Kind.BREACH.value,),
    Schedule.Kind.ACCELERATED.value: (Entry.Kind.ACCELERATION.value,),
    Schedule.Kind.ADDED.value: (
        Entry.Kind.BOUNCE.value,
        Entry.Kind.CLAIM.value,
        Entry.Kind.ADJUSTMENT.value,
    ),
}
PlaceInHistory = tuple[date, int]  # the date, then the first entry ever written for it


@dataclass(frozen=True, slots=True)
class BookedAct:
    """A breach, an acceleration or an added claim in force, and the key it was first done under."""

    schedule: Schedule
    entry: Entry
    first_key: str


HistoryStep = Payment | BookedAct


def steps_of(books: Books, payments: Sequence[Payment]) -> list[tuple[PlaceInHistory, HistoryStep]]:
    """All that a correction may have to do again, oldest first; reversed payments left out.

    What is done again keeps its place among things of the same day: that of its first entry.
    Two queries more, and only on a loan with such an act.
    """
    acts = _acts(books)
    first = dict[int, int]()
    if acts:
        first_entries = (
            Entry.objects.filter(payment__in=payments).order_by().values_list("payment_id")
        )
        first = dict(first_entries.annotate(first=Min("pk")))
    steps: list[tuple[PlaceInHistory, HistoryStep]] = [
        ((one.paid_on, first.get(one.pk, one.pk)), one) for one in payments if not one.is_reversed
    ]
    return sorted(steps + acts, key=lambda step: step[0])


def place_of(
    steps: Sequence[tuple[PlaceInHistory, HistoryStep]], payment: Payment
) -> PlaceInHistory:
    """The place of a payment that is not reversed in the order of `steps_of`."""
    return next(place for place, step in steps if step == payment)


def _acts(books: Books) -> list[tuple[PlaceInHistory, HistoryStep]]:
    schedules = [s for s in books.position.schedules_on() if s.kind in DONE_AGAIN]
    if not schedules:
        return []
    kinds = [kind for kinds in DONE_AGAIN.values() for kind in kinds]
    in_order = Entry.objects.filter(loan=books.loan, kind__in=kinds).order_by("pk")
    entries_in_order = list(in_order.select_related("payment"))
    first = {entry.key: entry.pk for entry in entries_in_order}
    entries = {entry.schedule_id: entry for entry in entries_in_order}
    acts: list[tuple[PlaceInHistory, HistoryStep]] = []
    for schedule in schedules:
        entry = entries[schedule.pk]
        key = entry.key.split(AGAIN)[0]
        acts.append(((schedule.opened_on, first[key]), BookedAct(schedule, entry, key)))
    return acts
