"""The relief request on a loan as the loan's pages mention it; the package that keeps requests registers a source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loans.models import Loan


@dataclass(frozen=True, slots=True)
class ReliefStatus:
    """The latest relief request on a loan: its state, a sentence for the borrower, and the link to it."""

    label: str
    sentence: str
    button: str
    url: str
    is_current: bool  # in progress, or to be reopened; else it has ended


@dataclass(frozen=True, slots=True)
class Promises:
    """What an applicant for relief is promised, as the loan's pages quote it.

    ``review_span``: 1–2, in working days; ``review_until``: 18:00 of the last of them.
    """

    review_span: str
    review_workdays: int
    review_until: str
    reply_workdays: int
    max_rounds: int


PromiseSource = Callable[[Loan], Promises]
_promise_sources: list[PromiseSource] = []


def register_promises(source: PromiseSource) -> None:
    """Register a source of the lender's promises once (called from AppConfig.ready of a package above)."""
    if source not in _promise_sources:
        _promise_sources.append(source)


def promises_of(loan: Loan) -> Promises | None:
    """The lender's promises for a loan; None where no package offers relief."""
    return next((source(loan) for source in _promise_sources), None)


ReliefStatusSource = Callable[[Loan], ReliefStatus | None]
_sources: list[ReliefStatusSource] = []


def register(source: ReliefStatusSource) -> None:
    """Add a source once (called from AppConfig.ready of a package above)."""
    if source not in _sources:
        _sources.append(source)


def latest_of(loan: Loan) -> ReliefStatus | None:
    """The request in progress on the loan, else how the last one ended; None when there was none."""
    return next((status for source in _sources if (status := source(loan)) is not None), None)


def relief_status_of(loan: Loan) -> ReliefStatus | None:
    """The request in progress on the loan, or to be reopened; None when there is none and the pages offer to apply."""
    latest = latest_of(loan)
    return latest if latest is not None and latest.is_current else None
