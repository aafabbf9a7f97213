"""Signs and accepts in one act, like the borrower's form; a second click changes nothing."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.core.errors import RuleViolation
from portal.core.models import User
from relief.cases.models import Case
from relief.cases.moves import locked
from relief.offers.acceptance import check_acceptable
from relief.offers.models import Agreement, Offer, OfferStatus
from relief.offers.negotiate import accept_offer
from relief.offers.signing import check_signature


def sign_and_accept(
    *,
    case: Case,
    offer: Offer,
    seen: str,
    method: str,
    secret: str,
    session_key: str,
    ip: str,
    actor: User,
    now: datetime,
) -> Agreement:
    """Checks the offer, then the signature, then executes; the same form twice is one agreement.

    TermsChanged before a code is used up when the offer cannot be accepted any more. A refused
    signature (a code that the first of two clicks has used) still finds what the first one made.
    """
    if offer.status != OfferStatus.OPEN:
        agreement = accepted(case=case, offer=offer, seen=seen)
        if agreement is not None:
            return agreement
    check_acceptable(case, offer, seen=seen, now=now)
    try:
        check_signature(
            offer=offer,
            actor=actor,
            method=method,
            secret=secret,
            session_key=session_key,
            ip=ip,
        )
    except RuleViolation:
        agreement = accepted(case=case, offer=offer, seen=seen)
        if agreement is None:
            raise
        return agreement
    return accept_offer(
        case=case, number=offer.number, seen=seen, method=method, actor=actor, now=now, ip=ip
    )


def accepted(*, case: Case, offer: Offer, seen: str) -> Agreement | None:
    """The agreement of this very version, waiting for one that is being concluded just now."""
    with transaction.atomic():
        locked(case)
        accepted_offer = Offer.objects.filter(pk=offer.pk, digest=seen, status=OfferStatus.ACCEPTED)
        if not accepted_offer.exists():
            return None
        return Agreement.objects.select_related("case").get(offer=offer)
