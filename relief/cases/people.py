"""Who may act on a case: the borrower on their own, staff never on their own loan, auditors never."""

from __future__ import annotations

from portal.core.errors import NotYourTurn, RuleViolation
from portal.core.kernel.roles import RANK_LABELS, Rank, rank_at_least
from portal.core.models import User
from relief.cases.models import Case
from relief.cases.notices import STAFF_RANKS, Audience


def is_own_case(actor: User, case: Case) -> bool:
    """Whether `actor` is the borrower of the case, also by their other account."""
    return case.borrower_id in {actor.pk, actor.same_person_as_id}


def check_borrower(actor: User, case: Case) -> None:
    """RuleViolation unless `actor` is the borrower of the case."""
    if not actor.is_borrower or actor.pk != case.borrower_id:
        raise RuleViolation("只有申请人本人可以这样做。", code="not-borrower")


def check_staff(actor: User, case: Case, *, needed: Rank = Rank.REVIEWER) -> None:
    """RuleViolation unless `actor` decides at `needed` rank and the loan is not their own."""
    if not actor.is_staff_member or not actor.rank:
        raise RuleViolation("只有工作人员可以这样做。", code="not-staff")
    if actor.rank == Rank.AUDITOR:
        raise RuleViolation("审计员只能查看，不能处理申请。", code="auditor")
    if is_own_case(actor, case):
        raise RuleViolation("这是你本人的借款，请转给其他同事处理。", code="own-loan")
    if not rank_at_least(actor.rank, needed):
        raise RuleViolation(f"需要{RANK_LABELS[needed]}处理，请转交。", code="rank")
    if case.appealed_at is not None and case.rejected_by_id == actor.pk:
        raise RuleViolation("申诉要由另一位审核人员处理，请转给其他同事。", code="same-reviewer")


def check_in_charge(actor: User, case: Case) -> None:
    """NotYourTurn unless `actor` has claimed the case, or is a supervisor."""
    check_staff(actor, case)
    if case.assigned_to_id in {None, actor.pk} or rank_at_least(actor.rank, Rank.SUPERVISOR):
        return
    name = case.assigned_to.name if case.assigned_to else ""
    raise NotYourTurn(f"这份申请由{name}处理，可请主管转交。", code="assigned")


class Hearers:
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
            found = User.objects.filter(role="STAFF", is_active=True, rank__in=ranks)
            self._staff[lowest] = list(found.order_by("pk"))
        return self._staff[lowest]
