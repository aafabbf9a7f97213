"""What changed from one version of an offer to the next."""

from __future__ import annotations

from dataclasses import dataclass

from loans.presenters.wording import yuan
from relief.presenters.offer import OfferView


@dataclass(frozen=True, slots=True)
class TermChange:
    """What differs from the version before."""

    label: str
    before: str
    after: str
    tone: str = ""  # good, bad, or nothing where it depends on whom one asks


def changes(view: OfferView, before: OfferView) -> tuple[TermChange, ...]:
    """What changed since the version before, line by line; same things are left out."""
    lines = [
        ("减免合计", before.waived, view.waived, view.waived > before.waived),
        ("每期应还", before.instalment, view.instalment, view.instalment < before.instalment),
        ("合计应还", before.sums.total, view.sums.total, view.sums.total < before.sums.total),
    ]
    term_changes = [
        TermChange(name, yuan(a), yuan(b), "good" if better else "bad")
        for name, a, b, better in lines
        if a != b
    ]
    if view.terms != before.terms:
        term_changes.append(TermChange("期数", f"{before.terms} 期", f"{view.terms} 期"))
    if view.first_due_on != before.first_due_on:
        dates = (before.first_due_on.isoformat(), view.first_due_on.isoformat())
        term_changes.append(TermChange("首期日期", *dates))
    return tuple(term_changes)
