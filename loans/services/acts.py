"""What each kind of proposal books once it is approved: one function a kind, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from loans.models import Proposal
from loans.services import credit
from loans.services.payment import reverse_payment
from portal.core.models import User

Run = Callable[[Proposal, User, datetime], object]
K = Proposal.Kind


def _reverse(proposal: Proposal, actor: User, now: datetime) -> object:
    payment_id = proposal.payment_id or 0
    return reverse_payment(payment_id=payment_id, reason=proposal.reason, actor=actor, now=now)


def _refund(proposal: Proposal, actor: User, now: datetime) -> object:
    return credit.refund(
        loan_id=proposal.loan_id,
        amount=proposal.amount,
        reference=proposal.terms["reference"],
        reason=proposal.reason,
        actor=actor,
        now=now,
    )


def _return_refund(proposal: Proposal, actor: User, now: datetime) -> object:
    return credit.return_refund(
        loan_id=proposal.loan_id,
        reference=proposal.terms["reference"],
        reason=proposal.reason,
        actor=actor,
        now=now,
    )


ACTS: dict[Proposal.Kind, Run] = {
    K.REVERSAL: _reverse,
    K.REFUND: _refund,
    K.REFUND_BACK: _return_refund,
}
