"""One answer to who may do what: `check` raises it in services, `why_not` is shown on screens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from portal.core.errors import NotYourTurn, RuleViolation, TermsChanged
from portal.core.kernel.roles import Rank, Role
from portal.core.models import User
from relief.cases import labels
from relief.cases import permissions as rules
from relief.cases.models import Case
from relief.cases.permissions import CaseFacts, Person, Refusal, RefusalKind, Task
from relief.cases.timing import deadlines
from relief.cases.workflow import Action, State
from relief.offers.models import OfferStatus
from relief.plans.clock import can_breach


@dataclass(frozen=True)
class Actor:
    """Who acts, and as what; the system has no user."""

    user: User | None
    role: Role

    @classmethod
    def of(cls, user: User) -> Actor:
        """Somebody logged in, as what they are."""
        return cls(user, Role.STAFF if user.is_staff_member else Role.BORROWER)

    @property
    def person(self) -> Person:
        """What the rules ask of an actor."""
        if self.user is None:
            return Person(self.role, None)
        return Person(self.role, self.user.pk, self.user.rank, self.user.same_person_as_id)


SYSTEM = Actor(None, Role.SYSTEM)


def why_not(
    action: Action | Task, case: Case, actor: Actor, now: datetime, *, needed: Rank | None = None
) -> str:
    """Why `actor` may not do this now, as the sentence to show; "" where they may."""
    refused = _refusal(action, case, actor, now, needed)
    return refused.sentence if refused is not None else ""


def check(
    action: Action | Task,
    case: Case,
    actor: Actor,
    now: datetime,
    *,
    needed: Rank | None = None,
    field: str = "",
) -> None:
    """Raises the same sentence: NotYourTurn, TermsChanged, or RuleViolation (at `field`)."""
    refused = _refusal(action, case, actor, now, needed)
    if refused is None:
        return
    kinds = {
        RefusalKind.TURN: NotYourTurn,
        RefusalKind.TERMS: TermsChanged,
        RefusalKind.RULE: RuleViolation,
    }
    raise kinds[refused.kind](refused.sentence, code=refused.code, field=field)


def _refusal(
    action: Action | Task, case: Case, actor: Actor, now: datetime, needed: Rank | None
) -> Refusal | None:
    facts = _facts(action, case, now)
    refused = rules.why_not(action, facts, actor.person, now, needed=needed)
    if refused is not None and refused.code == "move" and isinstance(action, Action):
        sentence = rules.closed_sentence(facts.state, action, last_move(case))
        return replace(refused, sentence=sentence)
    return refused


def _facts(action: Action | Task, case: Case, now: datetime) -> CaseFacts:
    """What the rules ask of this case; the database is asked only where the action needs it."""
    facts = CaseFacts(
        state=State(case.state),
        borrower_id=case.borrower_id,
        assigned_to_id=case.assigned_to_id,
        assigned_name=case.assigned_to.name if case.assigned_to is not None else "",
        is_appealed=case.appealed_at is not None,
        rejected_by_id=case.rejected_by_id,
        due_at=case.next_due_at,
        rounds=case.rounds,
    )
    if action == Action.COUNTER:
        return replace(facts, max_rounds=case.policy.rules.max_rounds)
    if action in rules.CHECKS:
        offer = case.offers.filter(status=OfferStatus.PENDING).first()
        if offer is not None:
            return replace(facts, maker_id=offer.made_by_id, checker_rank=offer.needs_rank)
    if action == Action.BREACH and facts.state == State.WARNED:
        return replace(facts, may_breach=can_breach(case, now))
    if action in {Action.REOPEN, Action.APPEAL}:
        other_case = Case.objects.open().filter(loan=case.loan_id).exclude(pk=case.pk).first()
        return replace(
            facts,
            is_settled=case.loan.is_settled,
            other_open=other_case.number if other_case is not None else "",
        )
    return facts


def last_move(case: Case) -> str:
    """Who made the case's last move and when, as the beginning of a sentence; "" of a new draft."""
    last = case.events.filter(action__in=list(Action)).select_related("actor").order_by("-pk")
    event = last.first()
    if event is None:
        return ""
    who = event.actor.public_name if event.actor else "系统"
    action_label = labels.ACTION_LABELS[Action(event.action)].removeprefix("已")
    return f"{who}已于 {deadlines.chinese(event.at)} {action_label}，"
