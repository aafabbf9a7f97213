"""A year's notice of the State Council as pasted lines: read with sentences, compared, applied."""

from __future__ import annotations

import logging
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction

from portal.core.calendar.days import Day
from portal.core.errors import NotYourTurn, StaleWrite
from portal.core.kernel.digests import digest_of
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank
from portal.core.models import User, WorkDay

logger = logging.getLogger(__name__)

YEARS = range(2020, 2100)
MAX_TEXT, MAX_NAME, MAX_SHOWN = 20_000, 20, 9
KINDS = {
    **dict.fromkeys(("off", "休", "休息", "休息日", "放假"), "off"),
    **dict.fromkeys(("work", "班", "上班", "调休", "补班", "工作日"), "work"),
}
LINE = re.compile(r"(\S+?)(?:(?:~|\.\.|至|—|–)(\S+))?[\s,]+([^\s,]+)(?:[\s,]+(.*))?")
DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", re.A)
EXAMPLE = "例如“2027-02-05 休 春节”"


@dataclass(frozen=True, slots=True)
class DayChange:
    """One day whose answer the notice changes."""

    date: date
    before: str
    after: str
    name: str
    was_official: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying a notice would do to the table; `digest` names exactly this plan."""

    year: int
    days: tuple[Day, ...]
    changes: tuple[DayChange, ...]
    off_weekdays: int
    worked_weekends: int
    provisional_before: int
    digest: str


def read_notice(*, year: int, text: str) -> tuple[Day, ...]:
    """Every day of `year` by the pasted lines; days not named are Monday to Friday.

    A line is a date or a range (2027-02-05~2027-02-12), 休 or 班 (off, work), and a name. Days
    of the last week of the year before may be named too. InvalidInput(field "text") says which
    line is wrong and how; "2027-02-30 off" is "第 1 行：没有 2027-02-30 这一天…".
    """
    if year not in YEARS:
        raise InvalidInput("year", f"年份请填写 {YEARS[0]} 到 {YEARS[-1]} 之间的四位数字")
    if len(text) > MAX_TEXT:
        raise InvalidInput("text", f"内容太长，最多 {MAX_TEXT} 个字，请只粘贴一年的安排")
    entries: dict[date, tuple[int, str, str]] = {}
    problems: list[str] = []
    for number, raw_line in enumerate(text.splitlines(), start=1):
        line = unicodedata.normalize("NFKC", raw_line).strip()
        if not line or line.startswith("#"):
            continue
        try:
            _read_line(line, number, year, entries)
        except InvalidInput as wrong:
            problems.append(f"第 {number} 行：{wrong.message}")
    if problems:
        unshown = len(problems) - MAX_SHOWN
        tail = [f"另有 {unshown} 行有误"] if unshown > 0 else []
        raise InvalidInput("text", "；".join([*problems[:MAX_SHOWN], *tail]))
    if not any(kind == "off" for _, kind, _ in entries.values()):
        raise InvalidInput("text", f"请逐行粘贴放假和调休上班的日期，{EXAMPLE}")
    return _whole_year(year, entries)


def _read_line(
    line: str, number: int, year: int, entries: dict[date, tuple[int, str, str]]
) -> None:
    """Add the days of one line to `entries`; InvalidInput with the sentence for this line."""
    match = LINE.fullmatch(line)
    if match is None:
        raise InvalidInput("text", f"请写成“日期 休或班 名称”，{EXAMPLE}")
    first = _read_date(match[1])
    last = _read_date(match[2]) if match[2] else first
    kind = KINDS.get(match[3].lower())
    name = (match[4] or "").strip()
    if kind is None:
        raise InvalidInput("text", f"“{match[3][:10]}”不认识，请写 休 或 班")
    if len(name) > MAX_NAME:
        raise InvalidInput("text", f"名称最多 {MAX_NAME} 个字")
    if not date(year - 1, 12, 25) <= first <= last <= date(year, 12, 31):
        order = "结束日期早于开始日期" if last < first else f"日期不在 {year} 年"
        raise InvalidInput("text", f"{order}，请检查")
    for step in range((last - first).days + 1):
        day = first + timedelta(days=step)
        if day in entries:
            raise InvalidInput("text", f"{day} 在第 {entries[day][0]} 行已经写过，请删去一行")
        entries[day] = (number, kind, _day_name(name, kind))


def _day_name(name: str, kind: str) -> str:
    """春节 on a worked day is 春节调休."""
    is_plain = kind == "work" and name and not name.endswith(("调休", "上班"))
    return f"{name}调休" if is_plain else name


def _read_date(text: str) -> date:
    match = DATE.fullmatch(text)
    if match is None:
        raise InvalidInput("text", f"“{text[:12]}”不是日期，请写成 2027-02-05")
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError as wrong:
        raise InvalidInput("text", f"没有 {text[:12]} 这一天，请检查") from wrong


def _whole_year(year: int, named: dict[date, tuple[int, str, str]]) -> tuple[Day, ...]:
    start = date(year, 1, 1)
    dates = {start + timedelta(days=n) for n in range((date(year + 1, 1, 1) - start).days)}
    days = []
    for day in sorted(dates | set(named)):
        _, kind, name = named.get(day, (0, "work" if day.weekday() < 5 else "off", ""))
        days.append(Day(day, kind, name, WorkDay.Source.OFFICIAL))
    return tuple(days)


def plan_notice(*, year: int, text: str) -> Plan:
    """Read a notice and compare it with the table; writes nothing."""
    days = read_notice(year=year, text=text)
    rows = {row.date: row for row in WorkDay.objects.filter(date__in=[day.date for day in days])}
    changes = []
    for day in days:
        row = rows.get(day.date)
        before = row.kind if row else ("work" if day.date.weekday() < 5 else "off")
        if before != day.kind:
            official = row is not None and row.source == WorkDay.Source.OFFICIAL
            changes.append(DayChange(day.date, before, day.kind, day.name, official))
    inside = [day for day in days if day.date.year == year]
    state = [(row.date, row.kind, row.name, row.source) for _, row in sorted(rows.items())]
    return Plan(
        year=year,
        days=days,
        changes=tuple(changes),
        off_weekdays=sum(d.kind == "off" and d.date.weekday() < 5 for d in inside),
        worked_weekends=sum(d.kind == "work" and d.date.weekday() > 4 for d in inside),
        provisional_before=sum(
            d.date not in rows or rows[d.date].source == WorkDay.Source.PROVISIONAL for d in inside
        ),
        digest=digest_of({"days": [(d.date, d.kind, d.name) for d in days], "before": state}),
    )


def apply_notice(*, year: int, text: str, digest: str, actor: User) -> int:
    """Write the plan that `actor` (a supervisor at least) saw; returns how many days changed.

    The whole year becomes official. StaleWrite if text or table are no longer what was shown.
    Deadlines that were computed already stand.
    """
    if not actor.has_rank(Rank.SUPERVISOR):
        raise NotYourTurn("只有主管或经理可以导入工作日历")
    with transaction.atomic():
        list(WorkDay.objects.select_for_update().filter(date__year=year).values_list("pk"))
        plan = plan_notice(year=year, text=text)
        if plan.digest != digest:
            raise StaleWrite("内容或日历在预览之后有变化，请重新预览再确认")
        WorkDay.objects.bulk_create(
            [WorkDay(date=d.date, kind=d.kind, name=d.name, source=d.source) for d in plan.days],
            update_conflicts=True,
            unique_fields=["date"],
            update_fields=["kind", "name", "source"],
        )
    logger.info("calendar.imported", extra={"year": year, "changed": len(plan.changes)})
    return len(plan.changes)
