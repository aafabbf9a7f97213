"""罚息怎么涨的: what is owed in penalty on the days where the line bends, by the one rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from loans.domain.penalty.interest import PenaltyExplanation
from loans.queries.types import Debt
from portal.core.charts import LineChart, line_chart

AHEAD = timedelta(days=7)
MAX_BENDS = 12  # a loan with hundreds of payments is still one drawing


def penalty_chart(
    story: PenaltyExplanation, debt: Debt, owed: Callable[[date], Decimal]
) -> LineChart | None:
    """The drawing from the first unpaid due date to a week ahead; None without penalty.

    `owed(day)` is the penalty outstanding on a day, computed like any other figure.
    """
    running = [
        line
        for line, row in zip(story.instalments, debt.instalments, strict=True)
        if line.segments and row.total > 0
    ]
    if not running or debt.penalty <= 0:
        return None
    days = _days([(seg.from_on, seg.to_on) for line in running for seg in line.segments], debt)
    marks = {
        line.due_on: f"第 {line.number} 期开始逾期"
        for line in running[1:]
        if line.due_on in days and line.due_on < debt.as_of
    }
    return line_chart(
        [(on, owed(on)) for on in days],
        today=debt.as_of,
        title="罚息逐日变化",
        marks=_few(marks, days[0], days[-1]),
    )


def _days(spans: Sequence[tuple[date, date]], debt: Debt) -> list[date]:
    """First day, bends, the day before each (payments drop the line), today, a week ahead."""
    first = min(start for start, _ in spans)
    inner = {day for span in spans for day in span} | {row.due_on for row in debt.instalments}
    bends = sorted(day for day in inner if first < day < debt.as_of)[-MAX_BENDS:]
    before = {day - timedelta(days=1) for day in bends if day - timedelta(days=1) > first}
    after = {row.due_on for row in debt.instalments if debt.as_of < row.due_on < debt.as_of + AHEAD}
    return sorted({first, *bends, *before, debt.as_of, *after, debt.as_of + AHEAD})


def _few(marks: dict[date, str], first: date, last: date) -> dict[date, str]:
    """The last two labels that have room for their words on the left."""
    room = first + (last - first) * 2 // 5
    return dict(sorted((on, text) for on, text in marks.items() if on >= room)[-2:])
