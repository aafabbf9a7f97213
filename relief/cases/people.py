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
        if lowest not in self._staff:
            self._staff[lowest] = staff_from(lowest)
        return [user for user in self._staff[lowest] if may_hear(user, case)]


def staff_from(lowest: Rank) -> list[User]:
    """Who works here with at least that rank; an auditor only reads."""
    ranks = [rank for rank in Rank if rank_at_least(rank, lowest) and rank != Rank.AUDITOR]
    return list(User.objects.filter(role="STAFF", is_active=True, rank__in=ranks).order_by("pk"))


def may_hear(user: User, case: Case) -> bool:
    """Staff never hear of the case of their own account as a borrower."""
    return user.same_person_as_id != case.borrower_id


def missing_ranks() -> list[Rank]:
    """The ranks that decide and that nobody who works here has: what needs them stays undone."""
    held = [user.rank for user in staff_from(Rank.REVIEWER)]
    deciding = (Rank.SUPERVISOR, Rank.MANAGER)
    return [rank for rank in deciding if not any(rank_at_least(one, rank) for one in held)]
