"""When an offer may be answered: open, as it was seen, read long enough, intact and granted."""

from __future__ import annotations

from datetime import datetime

from portal.core.errors import RuleViolation, TermsChanged
from portal.core.kernel.businesstime import business_date
from relief.cases.gate import last_move
from relief.cases.models import Case
from relief.cases.permissions import OFFER_EXPIRED
from relief.offers import compose
from relief.offers.models import Offer, OfferStatus


def check_acceptable(case: Case, offer: Offer, *, seen: str, now: datetime) -> None:
    """TermsChanged or RuleViolation unless the offer can be accepted now as it was seen."""
    check_open(offer, seen=seen, now=now)
    wait = seconds_to_read(offer, case.policy.rules.forced_read_seconds, now)
    if wait:
        raise RuleViolation(f"请先读完方案和条件，{wait} 秒后可以接受。", code="read-first")
    if not compose.is_intact(offer):
        raise TermsChanged(
            "方案内容与发出时的摘要不一致，已停止接受，请联系客服。", code="tampered"
        )
    if not compose.still_granted(case, offer):
        raise TermsChanged(
            "这笔借款的减免合计已超出复核权限，请联系客服重新出方案。", code="authority"
        )
    if offer.offer_terms.first_due_on <= business_date(now):
        raise TermsChanged("方案的首期日期已过，请联系客服重新出方案。", code="expired")


def seconds_to_read(offer: Offer, forced: int, now: datetime) -> int:
    """How many seconds of forced reading are left; all of them when it was never opened."""
    if offer.first_read_at is None:
        return forced
    passed = int((now - offer.first_read_at).total_seconds())
    return min(forced, max(0, forced - passed))


def check_open(offer: Offer, *, seen: str, now: datetime) -> None:
    if offer.status == OfferStatus.SUPERSEDED:
        raise TermsChanged(
            f"{last_move(offer.case)}这份方案已被新方案替代，请查看最新方案后再答复。",
            code="superseded",
        )
    if offer.status == OfferStatus.EXPIRED or (
        offer.status == OfferStatus.OPEN
        and offer.valid_until is not None
        and offer.valid_until <= now
    ):
        raise TermsChanged(OFFER_EXPIRED.sentence, code=OFFER_EXPIRED.code)
    if offer.status != OfferStatus.OPEN:
        raise TermsChanged(
            f"{last_move(offer.case)}这份方案{offer.get_status_display()}，不能再答复。",
            code="closed",
        )
    if offer.digest != seen:
        raise TermsChanged("方案内容与你看到的不一致，请重新查看后再答复。", code="altered")
