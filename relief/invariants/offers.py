"""Offers and agreements: unchanged since they were made, accepted in time, granted by who may."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import F, Q

from portal.core.documents import papers as documents
from portal.core.kernel.roles import Rank, rank_at_least
from portal.core.models import Document, User
from relief.invariants.violation import Violation
from relief.offers import agreement, compose
from relief.offers.models import Agreement, Offer, OfferStatus, Side
from relief.offers.terms import needed_rank

CHUNK = 500
ENDS_OF_AN_AGREEMENT = (OfferStatus.ACCEPTED, OfferStatus.REVOKED)


def digests(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """Recomputes the digest of every offer, agreement and paper."""
    for offer in Offer.objects.order_by("pk").select_related("case").iterator(CHUNK):
        if not compose.is_intact(offer):
            yield Violation("I5", str(offer), "terms, figures or rows differ from the digest")
    rows = Agreement.objects.order_by("pk").select_related("document", "offer__case")
    for row in rows.iterator(CHUNK):
        if not agreement.is_untouched(row):
            yield Violation("I5", row.number, "snapshot, text or offer differ from the digest")
    for paper in Document.objects.order_by("pk").iterator(CHUNK):
        if not documents.is_intact(paper):
            yield Violation("I5", paper.number, "the paper differs from its digest")


def signed_is_booked(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """The plan that each agreement opened is, row by row and waiver by waiver, the signed one."""
    rows = Agreement.objects.order_by("pk").select_related("plan")
    for row in rows.prefetch_related("plan__instalments").iterator(CHUNK):
        if difference := agreement.booked_otherwise(row.snapshot, row.plan):
            yield Violation("I9", row.number, f"signed is not booked: {difference}")


def in_time(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """Accepted after it was sent and before it expired, and nothing else came in between."""
    rows = Agreement.objects.order_by("pk")
    late = rows.filter(
        Q(offer__valid_until=None)
        | Q(accepted_at__gte=F("offer__valid_until"))
        | Q(accepted_at__lt=F("offer__sent_at"))
    )
    for number in late.values_list("number", flat=True):
        yield Violation("I11", number, "accepted outside the offer's validity")
    not_accepted = rows.exclude(offer__status__in=ENDS_OF_AN_AGREEMENT)
    for number, status in not_accepted.values_list("number", "offer__status"):
        yield Violation("I11", number, f"its offer is {status}")
    orphans = Offer.objects.filter(status__in=ENDS_OF_AN_AGREEMENT, agreement=None)
    for offer in orphans.select_related("case"):
        yield Violation("I11", str(offer), "accepted, but there is no agreement")


def authority(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """Maker, checker and borrower are different people, and somebody had the rank it took.

    Ranks change and are not stored with what was granted. So an open offer is held against the
    ranks of today (as accepting it is), an accepted one against the rank its terms need: that
    must be the one that was asked for when it was made.
    """
    rows = Offer.objects.order_by("pk").exclude(side=Side.BORROWER)
    for offer in rows.select_related("case__policy", "made_by", "approved_by").iterator(CHUNK):
        where = str(offer)
        people = [user for user in (offer.made_by, offer.approved_by) if user is not None]
        if offer.approved_by_id is not None and offer.approved_by_id == offer.made_by_id:
            yield Violation("I12", where, "the maker is the checker")
        if any(_is_borrower(user, offer) for user in people):
            yield Violation("I12", where, "the borrower decided on their own loan")
        if not rank_at_least(offer.needs_rank, _needed_alone(offer)):
            yield Violation("I12", where, f"asked for {offer.needs_rank or 'no rank'} only")
        elif offer.status == OfferStatus.OPEN and not any(
            rank_at_least(user.rank, offer.needs_rank) for user in people
        ):
            yield Violation("I12", where, f"nobody behind it is {offer.needs_rank}")


def _is_borrower(user: User, offer: Offer) -> bool:
    return offer.case.borrower_id in {user.pk, user.same_person_as_id}


def _needed_alone(offer: Offer) -> Rank:
    """The rank that the terms need even if nothing was ever waived before."""
    rules = offer.case.policy.rules
    return needed_rank(rules, compose.judged_on(offer), offer.offer_terms)
