"""A request for relief on a loan, as the loan's own pages mention it; who knows of it registers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from loans.models import Loan


@dataclass(frozen=True, slots=True)
class Standing:
    """What runs on a loan: its state in the borrower's words, a sentence, and where it goes on.

    ``cure_until``: the end of the cure of a plan that was warned, as stored with the warning.
    """

    label: str
    sentence: str
    button: str
    url: str
    cure_until: datetime | None = None


Source = Callable[[Loan], Standing | None]
_sources: list[Source] = []


def register(source: Source) -> None:
    """Add a source once (called from AppConfig.ready of a package above)."""
    if source not in _sources:
        _sources.append(source)


def standing_of(loan: Loan) -> Standing | None:
    """The first thing that runs on the loan, or None: then the pages offer to apply."""
    return next((found for source in _sources if (found := source(loan)) is not None), None)
