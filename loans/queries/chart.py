"""The chart of accounts in force: the standard one with the lender's newest version over it."""

from __future__ import annotations

from loans.domain.chart import STANDARD, ChartAccount, mapped
from loans.models import ChartVersion


def chart_of_accounts() -> dict[str, ChartAccount]:
    """Code and name of every account of the ledger (one query)."""
    newest = ChartVersion.objects.order_by("-pk").first()
    if newest is None:
        return dict(STANDARD)
    return mapped({account: (code, name) for account, (code, name) in newest.codes.items()})


def chart_versions() -> list[ChartVersion]:
    """Every version with who made it and why, newest first."""
    return list(ChartVersion.objects.select_related("actor").order_by("-pk"))
