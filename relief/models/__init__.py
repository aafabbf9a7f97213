"""Tables of relief: policy, case, deadlines, audit, offers, agreements, evidence, messages."""

from __future__ import annotations

from relief.models.case import Case, Deadline, Event
from relief.models.offer import Agreement, Offer, OfferStatus, Side
from relief.models.policy import Policy

__all__ = ["Agreement", "Case", "Deadline", "Event", "Offer", "OfferStatus", "Policy", "Side"]
