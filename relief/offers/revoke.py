"""Undo: before the first payment a manager may revoke an executed agreement, with a reason."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from loans.services.plans import restructure
from portal.core.kernel.roles import Role
from portal.core.models import User
from portal.core.retry import retried
from relief.cases.gate import Actor
from relief.cases.models import Case
from relief.cases.moves import Occasion, locked, move
from relief.cases.reasons import check_line
from relief.cases.workflow import Action
from relief.offers import agreement as agreements
from relief.offers.models import Offer, OfferStatus
from relief.plans import watch as plan_watch


@retried
def revoke_agreement(*, case: Case, reason: str, actor: User, now: datetime) -> Case:
    """The books return to what they were by counter-postings; the case goes back to the offer.

    Refused by the books (RuleViolation) once anything was paid on the plan.
    """
    public_reason = check_line(reason, field="reason", label="撤销原因")
    with transaction.atomic():
        fresh = locked(case)
        moved = move(
            fresh, Action.REVOKE, Occasion(Actor(actor, Role.STAFF), now, note_public=public_reason)
        )
        agreement = plan_watch.in_force(moved)
        restructure.revoke_relief(
            loan_id=moved.loan_id,
            key=agreements.relief_key(moved, agreement.offer),
            reason=public_reason,
            actor=actor,
            now=now,
        )
        plan_watch.end(agreement, "revoked", now, public_reason)
        Offer.objects.filter(pk=agreement.offer_id).update(status=OfferStatus.REVOKED)
        return moved
