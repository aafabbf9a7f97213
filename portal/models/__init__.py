"""Models of the house; import them from here."""

from __future__ import annotations

from portal.models.callback import ProviderCall
from portal.models.clock import DemoClock, Heartbeat
from portal.models.codes import OneTimeCode, Throttle
from portal.models.delivery import Delivery
from portal.models.document import Document, DocumentKind
from portal.models.notice import Notice
from portal.models.phone import PhoneCall, PhoneTask
from portal.models.user import User
from portal.models.workday import WorkDay

__all__ = [
    "Delivery",
    "DemoClock",
    "Document",
    "DocumentKind",
    "Heartbeat",
    "Notice",
    "OneTimeCode",
    "PhoneCall",
    "PhoneTask",
    "ProviderCall",
    "Throttle",
    "User",
    "WorkDay",
]
