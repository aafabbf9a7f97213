"""Who is told of what happens to a case."""

from __future__ import annotations

from portal.core.kernel.roles import Rank, rank_at_least
from portal.core.models import User
from relief.cases.models import Case
from relief.cases.notices import STAFF_RANKS, Audience


class Recipients:
    """Who hears of what; the staff of a rank are looked up once for all that is told together."""

    def __init__(self) -> None:
        self._staff: dict[Rank, list[User]] = {}

    def of(self, audience: Audience, case: Case, *, needs_rank: str = "") -> list[User]:
        """The users of an audience; staff never hear of their own borrower account's case."""
        if audience == Audience.BORROWER:
            return [case.borrower]
        if audience == Audience.ASSIGNEE:
            if case.assigned_to is not None:
                return [case.assigned_to]
            audience = Audience.REVIEWERS
        lowest = STAFF_RANKS.get(audience) or Rank(needs_rank or Rank.SUPERVISOR)
        staff = self._staff_from(lowest)
        return [user for user in staff if user.same_person_as_id != case.borrower_id]

    def _staff_from(self, lowest: Rank) -> list[User]:
        if lowest not in self._staff:
            ranks = [rank for rank in Rank if rank_at_least(rank, lowest) and rank != Rank.AUDITOR]
            staff = User.objects.filter(role="STAFF", is_active=True, rank__in=ranks)
            self._staff[lowest] = list(staff.order_by("pk"))
        return self._staff[lowest]
