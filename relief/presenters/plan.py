"""How a plan stands: the stage of its loan, with what comes next and what is at stake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.presenters.history import PlanTerms
from loans.queries.stage import LoanStage, Stage
from loans.queries.types import Debt
from portal.core.kernel.money import ZERO

S = Stage
KEYS: dict[Stage, str] = {  # plan-standing, the mark for scripts outside
    S.PLAN_ON_TIME: "kept",
    S.PLAN_DUE_SOON: "soon",
    S.PLAN_DUE_TODAY: "soon",
    S.PLAN_LATE: "risk",
    S.PLAN_PAST_GRACE: "risk",
    S.PLAN_WARNED: "risk",
    S.PLAN_ENDING: "risk",
    S.PLAN_BROKEN: "broken",
    S.PLAN_COMPLETED: "done",
    S.BROKEN_SETTLED: "broken",
}


@dataclass(frozen=True, slots=True)
class PlanStatus:
    """kept, soon, risk, broken or done; with the next amount and date."""

    key: str
    stage: LoanStage
    next_on: date | None
    next_amount: Decimal
    is_late: bool  # next_on has passed: it is not still to come
    at_stake: Decimal


def standing(stage: LoanStage, debt: Debt, plan: PlanTerms | None) -> PlanStatus:
    """What the page says on top (relief/RULES.md)."""
    due = debt.due_rows
    ahead = due[0] if due else debt.next_due
    amount = debt.due_now if due else (ahead.total if ahead else ZERO)
    return PlanStatus(
        key=KEYS.get(stage.stage, "broken"),
        stage=stage,
        next_on=ahead.due_on if ahead else None,
        next_amount=amount,
        is_late=ahead is not None and ahead.due_on < debt.as_of,
        at_stake=plan.returned if plan else ZERO,
    )
