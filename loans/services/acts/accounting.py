"""What accountants do: map the chart of accounts, and take files, each noted in a row that stays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from loans.domain.chart import STANDARD, mapped
from loans.models import BookExport, ChartVersion
from loans.queries.chart import chart_of_accounts
from loans.queries.journal import Period
from portal.core.errors import RuleViolation
from portal.core.models import User


def log_export(
    *,
    content: str,
    format: str,
    period: Period,
    row_count: int,
    actor: User | None,
    now: datetime,
) -> BookExport:
    """Note that a file was made; ``actor`` is None for a command on the server."""
    return BookExport.objects.create(
        content=BookExport.Content(content),
        format=format,
        from_on=period.from_on,
        to_on=period.to_on,
        loan=period.loan,
        row_count=row_count,
        actor=actor,
        at=now,
    )


def map_accounts(
    *, codes: Mapping[str, tuple[str, str]], reason: str, actor: User, now: datetime
) -> ChartVersion:
    """Keep a new version of the lender's codes and names: account → (code, name).

    What equals the standard chart is left out. Errors: InvalidInput naming the account;
    RuleViolation without a reason, or when nothing would change.
    """
    if not reason.strip():
        raise RuleViolation("原因：请写明为什么修改会计科目。", field="reason")
    with transaction.atomic():
        wanted = mapped(codes)
        if wanted == chart_of_accounts():
            raise RuleViolation("会计科目没有变化，未保存新版本。", code="UNCHANGED")
        changed_codes = {name: list(one) for name, one in wanted.items() if one != STANDARD[name]}
        return ChartVersion.objects.create(
            codes=changed_codes, reason=reason.strip(), actor=actor, at=now
        )
