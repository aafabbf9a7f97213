"""Tables of relief: policy, case, deadlines, audit, offers, agreements, evidence, messages."""

from __future__ import annotations

from relief.models.case import Case, Deadline, Event
from relief.models.consent import Consent
from relief.models.evidence import Evidence, EvidenceLook
from relief.models.message import Card, Conversation, Message, Sender, Visibility
from relief.models.offer import Agreement, Offer, OfferStatus, Side
from relief.models.policy import Policy

__all__ = [
    "Agreement",
    "Card",
    "Case",
    "Consent",
    "Conversation",
    "Deadline",
    "Event",
    "Evidence",
    "EvidenceLook",
    "Message",
    "Offer",
    "OfferStatus",
    "Policy",
    "Sender",
    "Side",
    "Visibility",
]
