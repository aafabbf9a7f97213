"""Questions to the books; every one takes a constant number of queries."""

from loans.queries.debt import (
    borrower_debts,
    borrower_positions,
    debt,
    debt_of,
    next_due,
    payoff_amount,
)
from loans.queries.papers import certificate
from loans.queries.penalty import penalty_story, story_of
from loans.queries.plan import (
    BookedBreach,
    SignedWaiver,
    booked_breaches,
    plan_rules,
    plan_vesting,
)
from loans.queries.portfolio import PortfolioPenalty, portfolio_penalty
from loans.queries.position import Position, load_position, load_positions
from loans.queries.schedules import current_schedule, schedule_history
from loans.queries.statement import corrections, payments, statement
from loans.queries.types import (
    Debt,
    InstalmentDebt,
    InstalmentState,
    ScheduleView,
    Statement,
    StatementLine,
)

__all__ = [
    "BookedBreach",
    "Debt",
    "InstalmentDebt",
    "InstalmentState",
    "PortfolioPenalty",
    "Position",
    "ScheduleView",
    "SignedWaiver",
    "Statement",
    "StatementLine",
    "booked_breaches",
    "borrower_debts",
    "borrower_positions",
    "certificate",
    "corrections",
    "current_schedule",
    "debt",
    "debt_of",
    "load_position",
    "load_positions",
    "next_due",
    "payments",
    "payoff_amount",
    "penalty_story",
    "plan_rules",
    "plan_vesting",
    "portfolio_penalty",
    "schedule_history",
    "statement",
    "story_of",
]
