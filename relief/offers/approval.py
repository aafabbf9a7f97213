"""Maker and checker: what is above the maker's authority is approved or sent back by another."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.core.errors import RuleViolation, TermsChanged
from portal.core.kernel.roles import Role
from portal.core.models import User
from portal.core.retry import retried
from relief.cases.gate import Actor, check, last_move
from relief.cases.models import Case
from relief.cases.moves import Occasion, move
from relief.cases.reasons import check_line
from relief.cases.timing.lateness import locked_at
from relief.cases.workflow import Action
from relief.offers import compose
from relief.offers.models import Offer, OfferStatus


@retried
def approve_offer(*, case: Case, number: int, actor: User, now: datetime, note: str = "") -> Offer:
    """Approves and sends a waiting offer; never one's own, and only with the rank it needs now."""
    inner = check_line(note, field="note", label="复核意见", empty=True)
    with transaction.atomic():
        fresh = locked_at(case, now)
        offer = _pending(fresh, number, Action.APPROVE, actor, now)
        Offer.objects.filter(pk=offer.pk).update(approved_by=actor)
        offer.refresh_from_db()
        if not compose.still_granted(fresh, offer):
            raise RuleViolation("这笔借款的减免合计已超出你的权限，请转交经理。", code="authority")
        terms = offer.offer_terms
        due = compose.offer_due(now, terms.first_due_on, fresh.policy.rules)
        if due.at <= now:
            raise TermsChanged("方案的首期日期已近，请退回重新拟定。", code="late")
        compose.answer_counters(fresh)
        Offer.objects.filter(pk=offer.pk).update(
            status=OfferStatus.OPEN, sent_at=now, valid_until=due.at
        )
        offer.refresh_from_db()
        move(
            fresh,
            Action.APPROVE,
            Occasion(
                Actor(actor, Role.STAFF),
                now,
                note_public=offer.note,
                note_internal=inner,
                data={"offer": number, "for": offer.made_by_id},
                context={"offer": offer},
            ),
            due=due,
        )
        return offer


@retried
def send_back_offer(*, case: Case, number: int, reason: str, actor: User, now: datetime) -> Case:
    """Sends a waiting offer back to its maker with a reason; the borrower never saw it."""
    inner = check_line(reason, field="reason", label="退回原因")
    with transaction.atomic():
        fresh = locked_at(case, now)
        offer = _pending(fresh, number, Action.SEND_BACK, actor, now)
        Offer.objects.filter(pk=offer.pk).update(status=OfferStatus.SENT_BACK)
        return move(
            fresh,
            Action.SEND_BACK,
            Occasion(
                Actor(actor, Role.STAFF),
                now,
                note_internal=inner,
                data={"offer": number},
                context={"offer": offer, "note": inner},
            ),
        )


def _pending(case: Case, number: int, action: Action, actor: User, now: datetime) -> Offer:
    """The waiting version, for somebody who may check it; the maker is never the checker."""
    offer = compose.find_offer(case, number, lock=True)
    if offer.status != OfferStatus.PENDING:
        raise TermsChanged(
            f"{last_move(case)}这份方案{offer.get_status_display()}，不在等待复核，请刷新页面。",
            code="not-pending",
        )
    check(action, case, Actor(actor, Role.STAFF), now)
    return offer
