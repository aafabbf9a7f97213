"""Observers of a loan's debt, registered by packages above, so that loans imports none of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from django.db import transaction

from loans.models import Correction, Loan


class DebtChange(StrEnum):
    """The kind of event that changed a loan's debt, as observers receive it."""

    PAYMENT = "payment"
    REVERSAL = "reversal"
    RELIEF = "relief"
    REINSTATED = "reinstated"
    REVOKED = "revoked"
    ACCELERATED = "accelerated"
    ADJUSTED = "adjusted"


class Observer(Protocol):
    """All five are called inside the transaction of the service that changes the loan."""

    def lock(self, loan_id: int) -> None:
        """Lock your own rows (case, offer) BEFORE the loan is locked: case → offer → loan."""

    def veto(self, loan: Loan, change: str, now: datetime) -> None:
        """Raise RuleViolation when this must not happen now; asked before the books are touched."""

    def corrected(self, correction: Correction, now: datetime) -> None:
        """A late or reversed payment changed the past; comes before ``debt_changed``."""

    def debt_changed(self, loan: Loan, change: str, now: datetime) -> None:
        """The debt is another one now; the books are already written."""

    def settled(self, loan: Loan, now: datetime) -> None:
        """Everything is paid; comes after ``debt_changed``."""


_observers: list[Observer] = []


def register(observer: Observer) -> None:
    """Add an observer once (called from AppConfig.ready of a package above)."""
    if observer not in _observers:
        _observers.append(observer)


def unregister(observer: Observer) -> None:
    """Remove an observer (tests)."""
    if observer in _observers:
        _observers.remove(observer)


@contextmanager
def locked(loan_id: int) -> Iterator[None]:
    """One transaction in which every observer has locked its rows first."""
    with transaction.atomic():
        for observer in _observers:
            observer.lock(loan_id)
        yield


def ask(loan: Loan, change: DebtChange, now: datetime) -> None:
    """Ask every observer whether it objects (RuleViolation) before the books are touched."""
    for observer in _observers:
        observer.veto(loan, change, now)


def notify_corrected(correction: Correction, now: datetime) -> None:
    """Tell all observers what a correction changed; the books are already written."""
    for observer in _observers:
        observer.corrected(correction, now)


def notify_changed(loan: Loan, change: DebtChange, now: datetime) -> None:
    """Tell all observers, in the order of registration."""
    for observer in _observers:
        observer.debt_changed(loan, change, now)


def notify_settled(loan: Loan, now: datetime) -> None:
    """Tell all observers that nothing is owed any more."""
    for observer in _observers:
        observer.settled(loan, now)
