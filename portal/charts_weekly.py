"""Coordinates of the weekly drawings: bars of amounts and a line of shares; templates only print them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from portal.charts import TENTH, GridLine, nice_step

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 220, 48, 548, 20, 190
BAR = Decimal(28)
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Mark:
    """One week: a bar or a point with its figure over it; `value` None = no data that week."""

    x: Decimal
    y: Decimal
    left: Decimal
    height: Decimal
    tick: str
    text: str
    now: bool
    has_value: bool
    low: bool = False  # the line comes from above: its figure goes below


@dataclass(frozen=True, slots=True)
class WeekChart:
    """Everything admin/_weeks.html prints; lengths are in the drawing's own units."""

    title: str
    sentence: str
    unit: str
    grid: tuple[GridLine, ...]
    marks: tuple[Mark, ...]
    lines: tuple[str, ...]
    target_y: Decimal | None = None
    target_text: str = ""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    bottom: int = BOTTOM


def week_bars(weeks: Sequence[tuple[date, Decimal]], *, title: str) -> WeekChart:
    """Amounts of weeks (their Monday, yuan) as bars; the last one is the week that runs.

    Example: 3,120 … 5,634 give grid lines at 0, 2,000, 4,000, 6,000.
    """
    step = nice_step(max((amount for _, amount in weeks), default=Decimal(0)), lines=3)
    top = step * 3
    marks = []
    for number, (monday, amount) in enumerate(weeks):
        y = _height(amount, Decimal(0), top)
        x = _place(number, len(weeks))
        text = f"{amount:,.0f}" if amount else ""
        marks.append(_mark(x, y, monday, text, now=number == len(weeks) - 1, has_value=True))
    told = "，".join(
        f"{monday.month}月{monday.day}日起 {amount:,.2f} 元" for monday, amount in weeks
    )
    total = sum((amount for _, amount in weeks), Decimal(0))
    return WeekChart(
        title=title,
        sentence=f"{told}；合计 {total:,.2f} 元。",
        unit="元",
        grid=tuple(_grid(step * n, Decimal(0), top, f"{step * n:,.0f}") for n in range(4)),
        marks=tuple(marks),
        lines=(),
    )


def week_shares(
    weeks: Sequence[tuple[date, Decimal | None]], *, title: str, target: Decimal
) -> WeekChart:
    """Shares of weeks in per cent (None: nothing happened) as a line, with a dashed target.

    The axis ends at 100 and begins at the first of 85, 50 or 0 below every share.
    """
    known = [share for _, share in weeks if share is not None]
    low = next(n for n in (Decimal(85), Decimal(50), Decimal(0)) if n <= min([*known, target]))
    marks: list[Mark] = []
    for number, (monday, share) in enumerate(weeks):
        x = _place(number, len(weeks))
        y = _height(share if share is not None else low, low, HUNDRED)
        last = number == len(weeks) - 1
        text = f"{share:.1f}%" if share is not None else ""
        made = _mark(x, y, monday, text, now=last, has_value=share is not None)
        from_above = bool(marks) and marks[-1].has_value and marks[-1].y < y
        marks.append(replace(made, low=from_above and y < BOTTOM - 24))
    told = "，".join(
        f"{monday.month}月{monday.day}日起 {'没有数据' if share is None else f'{share:.1f}%'}"
        for monday, share in weeks
    )
    step = (HUNDRED - low) / 3 if low == 85 else (HUNDRED - low) / 5
    lines = 4 if low == 85 else 6
    return WeekChart(
        title=title,
        sentence=f"{told}；目标 {target:.0f}%。",
        unit="%",
        grid=tuple(
            _grid(low + step * n, low, HUNDRED, f"{low + step * n:.0f}%") for n in range(lines)
        ),
        marks=tuple(marks),
        lines=tuple(_runs(marks)),
        target_y=_height(target, low, HUNDRED),
        target_text=f"目标 {target:.0f}%",
    )


def _place(number: int, count: int) -> Decimal:
    slot = Decimal(RIGHT - LEFT) / max(count, 1)
    return (LEFT + slot * number + slot / 2).quantize(TENTH)


def _height(value: Decimal, low: Decimal, top: Decimal) -> Decimal:
    share = (value - low) / (top - low) if top > low else Decimal(0)
    return (BOTTOM - share * (BOTTOM - TOP)).quantize(TENTH)


def _mark(x: Decimal, y: Decimal, monday: date, text: str, *, now: bool, has_value: bool) -> Mark:
    return Mark(
        x=x,
        y=y,
        left=x - BAR / 2,
        height=BOTTOM - y,
        tick=f"{monday:%m/%d}",
        text=text,
        now=now,
        has_value=has_value,
    )


def _grid(value: Decimal, low: Decimal, top: Decimal, text: str) -> GridLine:
    y = _height(value, low, top)
    return GridLine(y, y + 4, text)


def _runs(marks: Sequence[Mark]) -> list[str]:
    """The line, broken where a week has no data."""
    runs: list[list[str]] = [[]]
    for mark in marks:
        if mark.has_value:
            runs[-1].append(f"{mark.x},{mark.y}")
        elif runs[-1]:
            runs.append([])
    return [" ".join(run) for run in runs if len(run) > 1]
