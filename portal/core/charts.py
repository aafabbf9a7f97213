"""Coordinates of the drawings: a line over days, and a bar of shares; templates only print them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

TENTH = Decimal("0.1")
NEAR_AXIS = 110  # no room for words on the left of a dot before this
WORD_HEIGHT = 16
GAP = 6  # between words beside each other
LEFT = 34  # where the axis stands
STEPS = tuple(Decimal(n) for n in (1, 2, "2.5", 5))


@dataclass(frozen=True, slots=True)
class GridLine:
    y: Decimal
    text_y: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    x: Decimal
    text: str
    anchor: str
    now: bool


@dataclass(frozen=True, slots=True)
class Dot:
    x: Decimal
    y: Decimal
    r: str
    text: str
    text_x: Decimal
    text_y: Decimal
    anchor: str
    strong: bool


@dataclass(frozen=True, slots=True)
class WeekRow:
    on: date
    amount: Decimal
    forecast: bool


@dataclass(frozen=True, slots=True)
class LineChart:
    """Everything ui/_chart.html prints; lengths are in the drawing's own units."""

    title: str
    sentence: str
    rows: tuple[WeekRow, ...]
    grid: tuple[GridLine, ...]
    ticks: tuple[Tick, ...]
    dots: tuple[Dot, ...]
    line: str
    forecast: str
    area: str
    now_x: Decimal | None
    now_y: Decimal | None
    width: int = 326
    height: int = 178
    left: int = LEFT
    right: int = 312
    top: int = 16
    bottom: int = 152
    label_x: int = 28
    tick_y: int = 170


def nice_step(top: Decimal, lines: int = 4) -> Decimal:
    """The distance of grid lines so that `lines` of them reach `top`: 97.87 -> 25."""
    if top <= 0:
        return Decimal(1)
    power = Decimal(10) ** (top / lines).adjusted()
    for step in (*STEPS, Decimal(10)):
        if step * power * lines >= top:
            return step * power
    return power * 10  # pragma: no cover - ten times the power always reaches


def line_chart(
    points: Sequence[tuple[date, Decimal]],
    *,
    today: date,
    title: str,
    marks: Mapping[date, str] | None = None,
) -> LineChart:
    """Draws amounts (yuan) over days: solid up to today, dashed after it.

    points are in the order of their days and hold today's; marks names days where the line bends
    ({date(2026, 11, 5): "第 5 期开始逾期"}). Fewer than two points draw a flat line.
    Example: 0.00 on 10-05 and 80.90 on 11-23 give grid lines at 0, 25, 50, 75, 100.
    """
    rows = tuple(WeekRow(on, amount, on > today) for on, amount in points)
    first, last = (rows[0].on, rows[-1].on) if rows else (today, today)
    days = max((last - first).days, 1)
    step = nice_step(max((row.amount for row in rows), default=Decimal(0)))
    frame = LineChart(title, "", rows, (), (), (), "", "", "", None, None)

    def place(row: WeekRow) -> tuple[Decimal, Decimal]:
        span, rise = frame.right - frame.left, frame.bottom - frame.top
        x = frame.left + Decimal((row.on - first).days * span) / days
        return x.quantize(TENTH), (frame.bottom - row.amount * rise / (step * 4)).quantize(TENTH)

    past = [row for row in rows if not row.forecast]
    ahead = [*past[-1:], *(row for row in rows if row.forecast)] if len(past) < len(rows) else []
    now = place(past[-1]) if past else None
    solid = _points([place(row) for row in past])
    return LineChart(
        title=title,
        sentence=_sentence(past, ahead, marks or {}),
        rows=tuple(row for row in rows if row.on in _labelled_days(rows, past, marks or {})),
        grid=_grid(frame, step),
        ticks=_ticks(rows, past, marks or {}, place),
        dots=_dots(past, ahead, marks or {}, place),
        line=solid,
        forecast=_points([place(row) for row in ahead]),
        area=f"{frame.left},{frame.bottom} {solid} {now[0]},{frame.bottom}" if now else "",
        now_x=now[0] if now else None,
        now_y=now[1] if now else None,
    )


def _points(places: Sequence[tuple[Decimal, Decimal]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)


def _short(day: date) -> str:
    return f"{day.month}/{day.day}"


def _grid(frame: LineChart, step: Decimal, lines: int = 4) -> tuple[GridLine, ...]:
    gap = Decimal(frame.bottom - frame.top) / lines
    grid_lines = []
    for number in range(lines + 1):
        y = (frame.bottom - gap * number).quantize(TENTH)
        text = f"{(step * number).normalize():,f}"
        grid_lines.append(GridLine(y, y + 4, text))
    return tuple(grid_lines)


def _labelled_days(
    rows: Sequence[WeekRow], past: Sequence[WeekRow], marks: Mapping[date, str]
) -> set[date]:
    """The days worth a word: the ends, today, and where the line bends."""
    ends = {rows[0].on, rows[-1].on} if rows else set()
    return ends | {row.on for row in past[-1:]} | set(marks)


def _ticks(
    rows: Sequence[WeekRow],
    past: Sequence[WeekRow],
    marks: Mapping[date, str],
    place: Callable[[WeekRow], tuple[Decimal, Decimal]],
) -> tuple[Tick, ...]:
    """Labels under the axis: the first day, the bends, today; crowded ones give way to today."""
    now = past[-1].on if past else None
    labelled = [row for row in rows if row.on in {rows[0].on, now} | set(marks)]
    ticks: list[Tick] = []
    for row in sorted(labelled, key=lambda row: row.on != now):
        x = place(row)[0]
        if all(abs(x - other.x) >= 36 for other in ticks):
            anchor = "start" if row is rows[0] and row.on != now else "middle"
            ticks.append(Tick(x, _short(row.on), anchor, row.on == now))
    return tuple(sorted(ticks, key=lambda tick: tick.x))


def _dots(
    past: Sequence[WeekRow],
    ahead: Sequence[WeekRow],
    marks: Mapping[date, str],
    place: Callable[[WeekRow], tuple[Decimal, Decimal]],
) -> tuple[Dot, ...]:
    """Bends, today and the end of the forecast; words give way to those after them."""
    ends: list[Dot] = []
    if len(ahead) > 1:
        x, y = place(ahead[-1])
        text = f"¥{ahead[-1].amount:,.2f}"
        ends = [Dot(x, y, "3.5", text, x + 10, max(y - 8, Decimal(11)), "end", False)]
    if past:
        today = _today(past[-1], *place(past[-1]))
        for end in ends:
            if _overlap(today, end):
                today = replace(today, text_x=end.text_x - _width(end.text) - GAP)
        ends = [today, *ends]
    bends: list[Dot] = []
    for row in past[1:-1]:
        if row.on in marks:
            x, y = place(row)
            dot = Dot(x, y, "4", marks[row.on], x - 8, y - 8, "end", False)
            crowded = any(_overlap(dot, end) for end in ends)
            bends.append(replace(dot, text="") if crowded else dot)
    return (*bends, *ends)


def _today(row: WeekRow, x: Decimal, y: Decimal) -> Dot:
    """The dot of today; near the axis its words stand above the line, clear of the forecast."""
    text = f"今天 ¥{row.amount:,.2f}"
    if x < NEAR_AXIS:
        return Dot(x, y, "5", text, Decimal(LEFT + 4), y - 24, "start", True)
    return Dot(x, y, "5", text, x - 10, y - 8, "end", True)


def _overlap(one: Dot, other: Dot) -> bool:
    """Whether the words of two dots, both ending at their anchor, would cover each other."""
    is_apart = abs(one.text_y - other.text_y) >= WORD_HEIGHT
    if is_apart or "start" in (one.anchor, other.anchor):
        return False
    left, right = sorted((one, other), key=lambda dot: dot.text_x)
    return right.text_x - _width(right.text) < left.text_x


def _width(text: str) -> int:
    """Rough width of a label in the drawing's units; Chinese signs are square."""
    return sum(12 if ord(sign) > 0x2E80 else 7 for sign in text)


def _sentence(past: Sequence[WeekRow], ahead: Sequence[WeekRow], marks: Mapping[date, str]) -> str:
    if not past:
        return "还没有数据。"
    parts = [f"{past[0].on.month}月{past[0].on.day}日起计收"]
    parts += [f"{on.month}月{on.day}日{text}" for on, text in sorted(marks.items())]
    today = past[-1]
    parts.append(f"{today.on.month}月{today.on.day}日累计 {today.amount:,.2f} 元")
    if len(ahead) > 1:
        last = ahead[-1]
        parts.append(f"按现状 {last.on.month}月{last.on.day}日为 {last.amount:,.2f} 元")
    return "，".join(parts) + "。"


# --- A bar of shares: where a payment goes -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Share:
    """One share; key is its colour: a penalty, b interest, c principal, d anything else."""

    key: str
    label: str
    amount: Decimal
    field: str
    note: str = ""
    x: Decimal = Decimal(0)
    width: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class ShareBar:
    parts: tuple[Share, ...]
    total: Decimal
    total_field: str
    sentence: str


def share_bar(parts: Sequence[Share], *, total_field: str = "split-total") -> ShareBar:
    """Places shares side by side on 326 units with gaps of 2; a tiny share stays visible (4 units).

    Example: 3.26, 259.23 and 1,193.12 yuan get about 4, 57 and 261 units.
    """
    total = sum((part.amount for part in parts), Decimal(0))
    visible = [part for part in parts if part.amount > 0]
    room = Decimal(326 - 2 * max(len(visible) - 1, 0))
    widths = {id(p): max(Decimal(4), p.amount * room / total) for p in visible}
    scale = room / sum(widths.values()) if visible else Decimal(1)
    placed, x = [], Decimal(0)
    for part in parts:
        width = (widths.get(id(part), Decimal(0)) * scale).quantize(TENTH)
        placed.append(replace(part, x=x, width=width))
        x += width + 2 if width else 0
    sentence = "，".join(f"{part.label} {part.amount:,.2f}" for part in parts)
    return ShareBar(tuple(placed), total, total_field, sentence)


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
    amounts = "，".join(
        f"{monday.month}月{monday.day}日起 {amount:,.2f} 元" for monday, amount in weeks
    )
    total = sum((amount for _, amount in weeks), Decimal(0))
    return WeekChart(
        title=title,
        sentence=f"{amounts}；合计 {total:,.2f} 元。",
        unit="元",
        grid=tuple(_grid_line(step * n, Decimal(0), top, f"{step * n:,.0f}") for n in range(4)),
        marks=tuple(marks),
        lines=(),
    )


def week_shares(
    weeks: Sequence[tuple[date, Decimal | None]], *, title: str, target: Decimal
) -> WeekChart:
    """Shares of weeks in per cent (None: nothing happened) as a line, with a dashed target.

    The axis ends at 100 and begins at the first of 85, 50 or 0 below every share.
    """
    known_shares = [share for _, share in weeks if share is not None]
    low = next(
        n for n in (Decimal(85), Decimal(50), Decimal(0)) if n <= min([*known_shares, target])
    )
    marks: list[Mark] = []
    for number, (monday, share) in enumerate(weeks):
        x = _place(number, len(weeks))
        y = _height(share if share is not None else low, low, HUNDRED)
        is_last = number == len(weeks) - 1
        text = f"{share:.1f}%" if share is not None else ""
        mark = _mark(x, y, monday, text, now=is_last, has_value=share is not None)
        from_above = bool(marks) and marks[-1].has_value and marks[-1].y < y
        marks.append(replace(mark, low=from_above and y < BOTTOM - 24))
    spoken_shares = "，".join(
        f"{monday.month}月{monday.day}日起 {'没有数据' if share is None else f'{share:.1f}%'}"
        for monday, share in weeks
    )
    step = (HUNDRED - low) / 3 if low == 85 else (HUNDRED - low) / 5
    lines = 4 if low == 85 else 6
    return WeekChart(
        title=title,
        sentence=f"{spoken_shares}；目标 {target:.0f}%。",
        unit="%",
        grid=tuple(
            _grid_line(low + step * n, low, HUNDRED, f"{low + step * n:.0f}%") for n in range(lines)
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


def _grid_line(value: Decimal, low: Decimal, top: Decimal, text: str) -> GridLine:
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
