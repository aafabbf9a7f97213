"""What every channel is: it sends one delivery, and says what it knows or why it failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from portal.core.models import Delivery


class SendFailed(Exception):
    """`permanent`: trying again cannot help (a wrong number); otherwise it may."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class SendResult:
    """What the provider answered: its reference, and whether it already knows of the arrival.

    `is_local`: nothing has left this machine, and doing it again changes nothing. Only then may
    it be recorded later, together with others.
    """

    reference: str = ""
    delivered: bool = False
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider says later of a message it took: our id, whether it arrived, else why not."""

    reference: str
    delivered: bool
    error: str = ""


class UnreadableReport(ValueError):
    """A report whose field of this name cannot be read."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def text_of(item: Mapping[str, object], field: str) -> str:
    """A field that is text, or left out; UnreadableReport for anything else."""
    value = item.get(field)
    if value is None:
        return ""
    if not isinstance(value, str) or "\x00" in value:
        raise UnreadableReport(field)
    return value


class ChannelAdapter(Protocol):
    def send(self, delivery: Delivery, *, now: datetime) -> SendResult:
        """Hand `delivery` over under its own public id; SendFailed if that did not work."""


@runtime_checkable
class Answers(Protocol):
    """A provider that can be asked what became of a message, besides or instead of reporting."""

    def ask(self, delivery: Delivery) -> Report | None:
        """What is known by now; None while nothing is. SendFailed if there was no answer."""
