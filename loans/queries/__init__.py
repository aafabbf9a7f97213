"""Questions to the books; every one takes a constant number of queries."""

from loans.queries.debt import borrower_debts, borrower_totals, debt, debt_of, next_due, payoff_amount
from loans.queries.penalty import forecast_dates, penalty_forecast, penalty_story
from loans.queries.position import Position, load_position, load_positions

__all__ = [
    "Position",
    "borrower_debts",
    "borrower_totals",
    "debt",
    "debt_of",
    "forecast_dates",
    "load_position",
    "load_positions",
    "next_due",
    "payoff_amount",
    "penalty_forecast",
    "penalty_story",
]
