"""What one step of the application saves, judged field by field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO, require_money
from relief.cases import reasons

STEPS = ("reason", "statement", "evidence", "affordability", "confirm")
AMOUNTS = {
    "income_before": "此前每月收入",
    "monthly_income": "每月收入",
    "monthly_spending": "每月必要支出",
    "affordable_payment": "每月可还金额",
}


@dataclass(frozen=True)
class Draft:
    """What one step of the application saves; None leaves a field as it is (amounts in yuan).

    `cleared` names the amounts that the borrower has emptied.
    """

    reasons: Sequence[str] | None = None
    statement: str | None = None
    income_before: Decimal | None = None
    monthly_income: Decimal | None = None
    monthly_spending: Decimal | None = None
    affordable_payment: Decimal | None = None
    step: int | None = None
    cleared: Sequence[str] = ()


def draft_values(draft: Draft) -> dict[str, Any]:
    """The fields of the case to write; InvalidInput names the one at fault.

    draft_values(Draft(statement=" 住院 ")) == {"statement": "住院"}.
    """
    values: dict[str, Any] = {}
    if draft.reasons is not None:
        values["reasons"] = reasons.check_reasons(draft.reasons)
    if draft.statement is not None:
        text = draft.statement.replace("\x00", "").strip()
        if len(text) > reasons.MAX_STATEMENT:
            most = reasons.MAX_STATEMENT
            raise InvalidInput("statement", f"情况说明最多 {most} 字，现在有 {len(text)} 字")
        values["statement"] = text
    for field, label in AMOUNTS.items():
        amount = getattr(draft, field)
        if amount is not None:
            if require_money(amount, field) < ZERO:
                raise InvalidInput(field, f"{label}不能是负数")
            values[field] = amount
        elif field in draft.cleared:
            values[field] = None
    if draft.step is not None:
        values["draft_step"] = min(max(draft.step, 1), len(STEPS))
    return values
