"""Maker and checker of every act on the books: proposed, rehearsed, then approved by somebody else.

One pattern for all kinds: what a kind does is one function in ``kinds``. A proposal stands
for some days (``ActRules.valid_days``, an instant stored with it); who may approve it follows from
its amount (``ActRules.tiers``) and is stored with it too. Nobody approves their own, and nobody
proposes or approves anything on a loan of their own. Lock order: proposal → case → offer → loan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from loans.domain.authority import ActRules, may_check
from loans.models import Loan, Payment, Proposal
from loans.queries.debt import load_debt
from loans.queries.types import Debt
from loans.services.acts.kinds import ACTS
from loans.services.refusals import refusing
from portal.core.errors import NotYourTurn, RuleViolation, TermsChanged
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.money import FEN, require_money
from portal.core.kernel.roles import Rank
from portal.core.models import User
from portal.core.notifications.outbox import notify
from portal.core.retry import retried

MAKERS = Rank.REVIEWER  # the least rank that may propose
REASON = (5, 200)  # characters

_rules: list[Callable[[], ActRules]] = []


def register_rules(source: Callable[[], ActRules]) -> None:
    """Where the policy's limits come from (called from AppConfig.ready of a package above)."""
    _rules[:] = [source]


def act_rules() -> ActRules:
    """The limits in force now."""
    return _rules[0]() if _rules else ActRules()


@dataclass(frozen=True, slots=True)
class ProposedAct:
    """What a member of staff wants booked; ``amount`` in yuan decides who may approve it."""

    kind: Proposal.Kind
    loan_id: int
    amount: Decimal
    reason: str
    payment: Payment | None = None
    terms: Mapping[str, Any] = field(default_factory=dict)


def may_propose(user: User, loan: Loan) -> bool:
    """Reviewers and above; nobody on a loan of their own."""
    return user.has_rank(MAKERS) and user.same_person_as_id != loan.borrower_id


def why_not(proposal: Proposal, user: User, now: datetime) -> str:
    """Why this person may not approve or refuse it now, as the sentence to show; "" where they may."""
    if proposal.status != Proposal.Status.PENDING:
        return f"这项操作{proposal.get_status_display()}，不能再处理。"
    if not proposal.is_open(now):
        return "这项操作已过有效期，请重新提出。"
    return _not_the_checker(proposal, user)


def may_decide(proposal: Proposal, user: User) -> bool:
    """Is this somebody who could decide it, if it still waits?"""
    return not _not_the_checker(proposal, user)


def may_withdraw(proposal: Proposal, user: User) -> bool:
    """Its maker, and nobody else."""
    return user.pk == proposal.made_by_id


def _not_the_checker(proposal: Proposal, user: User) -> str:
    if user.pk == proposal.made_by_id:
        return "提出人不能复核自己的操作，请由另一位同事复核。"
    if user.same_person_as_id == proposal.loan.borrower_id:
        return "不能处理自己名下的借款。"
    if not may_check(user.rank, proposal.needs_rank):
        return f"这项操作需要{proposal.needed_label}复核。"
    return ""


@retried
def propose(draft: ProposedAct, *, actor: User, now: datetime) -> Proposal:
    """Write a proposal down after rehearsing it on today's books; the checkers are told.

    Errors: RuleViolation for whatever the act itself would be refused for today, without a reason,
    or while the same act already waits. Nothing is booked.
    """
    loan = Loan.objects.get(pk=draft.loan_id)
    if not may_propose(actor, loan):
        raise NotYourTurn("不能处理这笔借款。", code="rank")
    reason = draft.reason.strip()
    if not REASON[0] <= len(reason) <= REASON[1]:
        raise RuleViolation(
            f"原因：请填写 {REASON[0]} 到 {REASON[1]} 个字。", code="reason", field="reason"
        )
    with refusing():
        amount = require_money(draft.amount, "amount")
    if amount < FEN:
        raise RuleViolation("金额应大于 0，请重新填写。", code="amount", field="amount")
    rules = act_rules()
    proposal = Proposal(
        loan=loan,
        kind=draft.kind,
        payment=draft.payment,
        amount=amount,
        terms=dict(draft.terms),
        reason=reason,
        needs_rank=rules.needed_rank(amount),
        made_by=actor,
        made_at=now,
        valid_until=now + timedelta(days=rules.valid_days),
    )
    with transaction.atomic():
        _expire(loan, now)
        proposal.effect = _rehearse(proposal, actor, now)
        try:
            with transaction.atomic():
                proposal.save()
        except IntegrityError as twice:
            raise RuleViolation(
                f"这笔借款已有一项“{proposal.get_kind_display()}”在等待复核，请先处理那一项。",
                code="PENDING",
            ) from twice
        _tell_checkers(proposal, now)
    return proposal


def _expire(loan: Loan, now: datetime) -> None:
    """What nobody decided in time makes room for a new proposal."""
    old = Proposal.objects.filter(loan=loan, status=Proposal.Status.PENDING, valid_until__lte=now)
    old.update(status=Proposal.Status.EXPIRED, decided_at=now)


def _rehearse(proposal: Proposal, actor: User, now: datetime) -> list[str]:
    """Do the act and take it all back: refusals come at once, and the effect is known."""
    today = business_date(now)
    before = load_debt(proposal.loan, today)
    with transaction.atomic():
        ACTS[Proposal.Kind(proposal.kind)](proposal, actor, now)
        after = load_debt(Loan.objects.get(pk=proposal.loan_id), today)
        transaction.set_rollback(True)
    return effect(before, after)


def effect(before: Debt, after: Debt) -> list[str]:
    """What an act does to today's debt: 总待还 5,000.00 → 5,100.00 …; nothing where nothing changes."""
    rows = (
        ("总待还", before.total, after.total),
        ("本期应还", before.due_now, after.due_now),
        ("罚息", before.penalty, after.penalty),
    )
    return [f"{name} {old:,.2f} → {new:,.2f}" for name, old, new in rows if old != new]


@retried
def approve(*, proposal_id: int, actor: User, now: datetime, note: str = "") -> Proposal:
    """Book what was proposed, on the books as they are now; the maker is told.

    Errors: RuleViolation (not pending, out of date, one's own, no authority), or whatever the act
    is refused for today: then nothing is written and the proposal goes on waiting.
    """
    with transaction.atomic():
        proposal = _decidable(proposal_id, actor, now)
        ACTS[Proposal.Kind(proposal.kind)](proposal, actor, now)
        return _end(proposal, Proposal.Status.APPROVED, actor, now, note)


@retried
def refuse(*, proposal_id: int, note: str, actor: User, now: datetime) -> Proposal:
    """Send it back with a reason; nothing was booked. Errors as of ``approve``."""
    if not note.strip():
        raise RuleViolation("退回原因：请写明为什么退回。", code="note", field="reason")
    with transaction.atomic():
        proposal = _decidable(proposal_id, actor, now)
        return _end(proposal, Proposal.Status.REFUSED, actor, now, note)


@retried
def withdraw(*, proposal_id: int, actor: User, now: datetime) -> Proposal:
    """The maker takes it back before it is decided."""
    with transaction.atomic():
        proposal = _locked(proposal_id)
        if proposal.status != Proposal.Status.PENDING or not may_withdraw(proposal, actor):
            raise TermsChanged(
                "只有提出人可以撤回还在等待复核的操作，请刷新页面。", code="not-pending"
            )
        return _end(proposal, Proposal.Status.WITHDRAWN, actor, now, "")


def _locked(proposal_id: int) -> Proposal:
    rows = Proposal.objects.select_for_update(of=("self",)).select_related("loan", "payment")
    return rows.get(pk=proposal_id)


def _decidable(proposal_id: int, actor: User, now: datetime) -> Proposal:
    proposal = _locked(proposal_id)
    if refused := why_not(proposal, actor, now):
        raise TermsChanged(refused, code="not-decidable")
    return proposal


def _end(
    proposal: Proposal, status: Proposal.Status, actor: User, now: datetime, note: str
) -> Proposal:
    waiting = Proposal.objects.filter(pk=proposal.pk, status=Proposal.Status.PENDING)
    changed = waiting.update(
        status=status,
        decided_by=actor,
        decided_rank=actor.rank,
        decided_at=now,
        note=note.strip()[:200],
    )
    if changed != 1:
        raise TermsChanged("这项操作刚刚被处理，请刷新页面。", code="not-pending")
    proposal.refresh_from_db()
    if status != Proposal.Status.WITHDRAWN:
        _tell(proposal, "staff_act_decided", proposal.made_by, now)
    return proposal


def _tell_checkers(proposal: Proposal, now: datetime) -> None:
    ranks = [rank for rank in Rank if may_check(rank, proposal.needs_rank)]
    staff = User.objects.filter(role="STAFF", is_active=True, rank__in=ranks).order_by("pk")
    for user in staff.exclude(pk=proposal.made_by_id):
        if user.same_person_as_id != proposal.loan.borrower_id:
            _tell(proposal, "staff_act_waiting", user, now)


def _tell(proposal: Proposal, event: str, user: User, now: datetime) -> None:
    notify(
        event=event,
        key=f"proposal:{proposal.pk}:{event}:{proposal.status}:{user.pk}",
        user=user,
        channels=(),
        context={"proposal": proposal, "number": proposal.loan.number},
        link=f"/admin/loans/proposal/{proposal.pk}/change/",
        category="repayment",
        now=now,
    )
