"""Every form that moves a case, filled in rightly: the borrower's pages and the desk's acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.urls import reverse

from portal.core.kernel.businesstime import business_date
from relief.cases.models import Case
from relief.cases.workflow import Action
from relief.desk.acts import ACTS
from relief.offers.models import Offer
from tests.factories import PASSWORD

Values = dict[str, Any]


@dataclass(frozen=True)
class Door:
    """One form of the borrower: its address, what it is filled in with, the move that it makes."""

    address: str
    action: Action
    values: Callable[[Case, datetime], Values]

    def path(self, case: Case) -> str:
        """The address for this case: the offer on the table, or number 1 where there is none."""
        if self.address == "relief:apply-step":
            return reverse(self.address, args=[case.loan.public_id, "confirm"])
        if self.address.startswith("relief:offer"):
            return reverse(self.address, args=[case.public_id, last_offer(case).number])
        return reverse(self.address, args=[case.public_id])

    def push(self, client: Client, case: Case, now: datetime) -> Any:
        """Post the form as the page would."""
        return client.post(self.path(case), self.values(case, now))


def last_offer(case: Case) -> Offer:
    """The newest version that the borrower may see, or a number that leads nowhere."""
    return case.offers.shown().order_by("-number").first() or Offer(number=1, digest="0" * 64)


def _accept(case: Case, now: datetime) -> Values:
    seen = last_offer(case).digest
    ticks = {"agree": "on", "know": "on"}
    return {"seen": seen, **ticks, "by": "password", "password": PASSWORD, "do": "accept"}


def _counter(case: Case, now: datetime) -> Values:
    return {
        "seen": last_offer(case).digest,
        "reasons": ["too_much"],
        "waive": "0",
        "terms": "18",
        "first_due_on": f"{business_date(now) + timedelta(days=20)}",
        "do": "send",
    }


def _decline(case: Case, now: datetime) -> Values:
    seen = last_offer(case).digest
    return {"seen": seen, "reasons": ["other"], "sure": "on", "do": "decline"}


DOORS = {
    "withdraw": Door("relief:withdraw", Action.WITHDRAW, lambda case, now: {"reason": "不需要了"}),
    "appeal": Door("relief:appeal", Action.APPEAL, lambda case, now: {"text": "材料是真实的"}),
    "reopen": Door("relief:reopen", Action.REOPEN, lambda case, now: {}),
    "supply": Door("relief:supply", Action.SUPPLY, lambda case, now: {}),
    "submit": Door(
        "relief:apply-step", Action.SUBMIT, lambda case, now: {"agree": "on", "go": "next"}
    ),
    "accept": Door("relief:offer-accept", Action.ACCEPT, _accept),
    "counter": Door("relief:offer-reject", Action.COUNTER, _counter),
    "decline": Door("relief:offer-reject", Action.DECLINE, _decline),
}


# --- The desk ------------------------------------------------------------------------------------


def desk_values(slug: str, case: Case, now: datetime) -> Values:
    """What a member of staff who sees the newest page would send for this act."""
    newest = case.offers.order_by("-number").first()
    first = business_date(now) + timedelta(days=28)
    said: dict[str, Values] = {
        "ask": {"kinds": ["bank_flow"], "text": "近三个月"},
        "reject": {"reason": "EVIDENCE_INSUFFICIENT"},
        "offer": {
            "by": "percent",
            "penalty_percent": "50",
            "term_count": "12",
            "first_due_on": f"{first}",
        },
        "send-back": {"reason": "减免太多"},
        "withdraw-offer": {"reason": "有误"},
        "breach": {"reason": "多次联系未还"},
        "revoke": {"reason": "条款有误"},
    }
    number = newest.number if newest else 1
    return {"seen": case.version, "number": number, **said.get(slug, {})}


def push_at_desk(client: Client, slug: str, case: Case, now: datetime) -> Any:
    """Post one act of the desk."""
    path = reverse(f"admin:relief_case_{slug}", args=[case.pk])
    return client.post(path, desk_values(slug, case, now))


DESK_MOVES = {slug: act.action for slug, act in ACTS.items() if isinstance(act.action, Action)}
