"""What the simulated phone shows: messages, calls, and what waits for its time."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal.core.kernel.phones import mask_name
from portal.core.models import Delivery, PhoneTask
from portal.core.models.delivery import DeliveryQuerySet
from portal.site.demo import cast

SHOWN = 30
SHOWN_CALLS = 8
DIGITS = re.compile(r"(?<!\d)\d{6}(?!\d)")


@dataclass(frozen=True)
class Sms:
    """One message, cut around its one-time code."""

    row: Delivery
    before: str
    digits: str
    after: str

    @property
    def at(self) -> datetime:
        return self.row.finished_at or self.row.submitted_at or self.row.created_at


@dataclass(frozen=True)
class Phone:
    """The state of the phone with the number `to` (all phones when it is empty)."""

    to: str
    numbers: list[tuple[str, str]]
    messages: list[Sms] = field(default_factory=list)
    waiting: list[Delivery] = field(default_factory=list)
    calls: list[PhoneTask] = field(default_factory=list)

    @property
    def seen(self) -> str:
        """Changes whenever something on the phone does."""
        facts = [(one.row.pk, one.row.status) for one in self.messages]
        facts += [(row.pk, f"{row.status}{row.next_attempt_at}") for row in self.waiting]
        facts += [(task.pk, f"{task.attempts}{task.outcome}") for task in self.calls]
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


def look(to: str) -> Phone:
    """The phone of a number that is known, or all of them; newest first."""
    numbers = known_numbers()
    to = to if to in dict(numbers) else ""
    to_number: dict[str, Any] = {"to": to} if to else {}
    sms = Delivery.objects.filter(channel=Delivery.Channel.SMS, **to_number)
    waits = (Delivery.Status.PENDING, Delivery.Status.CLAIMED)
    tasks = PhoneTask.objects.select_related("delivery")
    if to:
        tasks = tasks.filter(delivery__to=to)
    return Phone(
        to=to,
        numbers=numbers,
        messages=[_cut(row) for row in _newest(sms.exclude(status__in=waits))],
        waiting=list(
            Delivery.objects.filter(status__in=waits, **to_number).order_by("next_attempt_at")[
                :SHOWN
            ]
        ),
        calls=list(tasks.order_by("-created_at", "-pk")[:SHOWN_CALLS]),
    )


def known_numbers() -> list[tuple[str, str]]:
    """(number, who) of the cast and of everybody who was ever sent something."""
    names = {member.account: mask_name(member.name) for member in cast.BORROWERS}
    others = Delivery.objects.exclude(to="").order_by("to").values_list("to", flat=True)
    for number in others.distinct():
        names.setdefault(number, "访客")
    return list(names.items())


def _newest(rows: DeliveryQuerySet) -> DeliveryQuerySet:
    return rows.order_by("-created_at", "-pk")[:SHOWN]


def _cut(row: Delivery) -> Sms:
    """The text around the six digits of a login code; other messages stay whole."""
    digits = DIGITS.search(row.text) if row.exempt else None
    if digits is None:
        return Sms(row, row.text, "", "")
    return Sms(row, row.text[: digits.start()], digits[0], row.text[digits.end() :])
