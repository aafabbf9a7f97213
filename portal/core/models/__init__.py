"""Models of the house; import them from here."""

from __future__ import annotations

from portal.core.models.callback import ProviderCall
from portal.core.models.clock import DemoClock, Heartbeat
from portal.core.models.codes import OneTimeCode, Throttle
from portal.core.models.delivery import Delivery
from portal.core.models.document import Document, DocumentKind
from portal.core.models.draft import Draft
from portal.core.models.factors import Authenticator, Passkey, RecoveryCode
from portal.core.models.notice import Notice
from portal.core.models.parking import ParkedForm
from portal.core.models.phone import PhoneCall, PhoneTask
from portal.core.models.security import SecurityEvent
from portal.core.models.session import SessionRecord
from portal.core.models.staff_change import StaffChange
from portal.core.models.trail import TrailDay, TrailLink
from portal.core.models.user import User
from portal.core.models.workday import CalendarVersion, WorkDay

__all__ = [
    "Authenticator",
    "CalendarVersion",
    "Delivery",
    "DemoClock",
    "Document",
    "DocumentKind",
    "Draft",
    "Heartbeat",
    "Notice",
    "OneTimeCode",
    "ParkedForm",
    "Passkey",
    "PhoneCall",
    "PhoneTask",
    "ProviderCall",
    "RecoveryCode",
    "SecurityEvent",
    "SessionRecord",
    "StaffChange",
    "Throttle",
    "TrailDay",
    "TrailLink",
    "User",
    "WorkDay",
]
