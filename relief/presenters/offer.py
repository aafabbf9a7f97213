"""One version of an offer as everybody reads it; no rule is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from loans.presenters import wording
from relief.cases.models import Case
from relief.cases.reasons import COUNTER_REASONS
from relief.offers.accept import seconds_to_read
from relief.offers.models import Offer, OfferStatus, Side
from relief.offers.terms import OfferTerms
from relief.presenters.cost import OfferRow, PlanSums, plan_sums

SOON = timedelta(hours=24)
TONES = {OfferStatus.ACCEPTED: "ok", OfferStatus.PROPOSED: "b"}
LABELS = {OfferStatus.OPEN: "待你确认", OfferStatus.PROPOSED: "等待客服答复"}


@dataclass(frozen=True, slots=True)
class OfferView:
    """One version with its figures."""

    offer: Offer
    number: str
    label: str
    tone: str
    answerable: bool
    is_counter: bool
    waived: Decimal
    waived_percent: str
    only_penalty: bool
    delay_waived: Decimal
    sums: PlanSums
    soon: bool
    reasons: str

    @property
    def rows(self) -> tuple[OfferRow, ...]:
        return self.sums.rows

    @property
    def instalment(self) -> Decimal:
        return self.sums.instalment

    @property
    def last_total(self) -> Decimal:
        return self.sums.last_total

    @property
    def terms(self) -> int:
        return self.sums.terms

    @property
    def first_due_on(self) -> date:
        return self.sums.first_due_on

    @property
    def rhythm(self) -> str:
        """每月 10 日, 每月 10 日和 25 日, 每周五: when it is paid."""
        return wording.rhythm(self.offer.offer_terms.period, self.first_due_on)

    @property
    def locked(self) -> Decimal:
        """The penalty of the day whose debt it was made on (yuan)."""
        return Decimal(self.offer.figures["penalty"])


def offer_number(offer: Offer) -> str:
    """FA + the case's number + the version: FA20261126-0017-1."""
    return f"FA{offer.case.number.removeprefix('JM')}-{offer.number}"


def is_answerable(offer: Offer, now: datetime) -> bool:
    """Open and within its validity."""
    valid = offer.valid_until is not None and offer.valid_until > now
    return offer.status == OfferStatus.OPEN and valid


def offer_view(offer: Offer, now: datetime) -> OfferView:
    """The stored version; every figure is the stored one, whatever happened since."""
    terms = offer.offer_terms
    status = OfferStatus(offer.status)
    open_now = is_answerable(offer, now)
    label = LABELS.get(status, str(status.label))
    if status == OfferStatus.OPEN and not open_now:
        label = "已过期"
    if status == OfferStatus.PROPOSED and offer.case.is_closed:
        label = "协商已结束"
    return OfferView(
        offer=offer,
        number=offer_number(offer),
        label=label,
        tone=TONES.get(status, "" if open_now else "b"),
        answerable=open_now,
        is_counter=offer.side == Side.BORROWER,
        waived=terms.waived,
        waived_percent=_percent(terms, Decimal(offer.figures["penalty"])),
        only_penalty=terms.waived == terms.waive_penalty,
        delay_waived=terms.delay_waiver,
        sums=plan_sums(offer.rows, offer.figures),
        soon=open_now and offer.valid_until is not None and offer.valid_until - now < SOON,
        reasons="、".join(COUNTER_REASONS[key] for key in offer.reasons if key in COUNTER_REASONS),
    )


def _percent(terms: OfferTerms, penalty: Decimal) -> str:
    """As it was stated, or the share of the penalty DOWN to a tenth of a per cent: 60%, 49.9%."""
    if not penalty or not terms.waive_penalty:
        return ""
    if terms.penalty_percent is not None and not terms.delay_waiver:
        return f"{wording.plain(terms.penalty_percent)}%"
    return f"{wording.plain(Decimal(int(terms.waive_penalty * 1000 // penalty)) / 10)}%"


def read_left(case: Case, offer: Offer, now: datetime) -> int:
    """Seconds of forced reading that are left."""
    return seconds_to_read(offer, case.policy.rules.forced_read_seconds, now)
