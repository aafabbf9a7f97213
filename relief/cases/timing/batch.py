"""What the deadlines of one batch share, and what they leave to be written together."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from functools import cached_property

from portal.core.calendar.days import load_calendar
from portal.core.kernel.roles import Rank, rank_at_least
from portal.core.kernel.workdays import WorkCalendar
from portal.core.models import User
from relief.cases import people
from relief.cases.models import Case, Deadline
from relief.cases.timing.deadlines import DueKind

Value = date | int | None
Changes = tuple[tuple[str, Value], ...]


class Batch:
    """Made and written inside the transaction that holds the locks of its cases."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._changes: defaultdict[Changes, list[int]] = defaultdict(list)
        self._deadlines: list[Deadline] = []

    @cached_property
    def calendar(self) -> WorkCalendar:
        """The working calendar; read once, when first needed."""
        return load_calendar()

    @cached_property
    def _staff(self) -> list[User]:
        return people.staff_from(Rank.REVIEWER)

    def nearest_rank(self, wanted: Rank, case: Case) -> Rank:
        """The highest rank up to `wanted` that somebody holds who hears of the case.

        A manager where there is one, else a supervisor, else a reviewer; `wanted` where there is
        nobody.
        """
        ranks = [user.rank for user in self._staff if people.may_hear(user, case)]
        for rank in (Rank.MANAGER, Rank.SUPERVISOR, Rank.REVIEWER):
            if rank_at_least(wanted, rank) and any(rank_at_least(one, rank) for one in ranks):
                return rank
        return wanted

    def change(self, case: Case, **values: Value) -> None:
        """Set dates or counts of a locked case, at once in `case` and by `write` in the database.

        Never its state: that has another writer.
        """
        for name, value in values.items():
            setattr(case, name, value)
        self._changes[tuple(values.items())].append(case.pk)

    def set_deadline(self, case: Case, kind: DueKind, due_at: datetime) -> None:
        """Adds one deadline for `case`."""
        self._deadlines.append(Deadline(case=case, kind=kind.value, due_at=due_at))

    def write(self) -> None:
        """One UPDATE for all cases with the same values, one INSERT for all deadlines."""
        for values, pks in self._changes.items():
            Case.objects.filter(pk__in=pks).update(**dict(values))
        Deadline.objects.bulk_create(self._deadlines)
