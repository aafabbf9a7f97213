"""What each kind of proposal books once it is approved: one function a kind, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from loans.models import Proposal
from loans.services.payment import reverse_payment
from portal.core.models import User

Run = Callable[[Proposal, User, datetime], object]
K = Proposal.Kind


def _reverse(proposal: Proposal, actor: User, now: datetime) -> object:
    payment_id = proposal.payment_id or 0
    return reverse_payment(payment_id=payment_id, reason=proposal.reason, actor=actor, now=now)


ACTS: dict[Proposal.Kind, Run] = {
    K.REVERSAL: _reverse,
}
