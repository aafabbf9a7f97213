"""The front page of the desk: what is open and late, punctuality and cost by week; constant queries."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest

from portal.core import clock
from portal.core.calendar.days import load_calendar
from portal.core.charts import WeekChart, week_bars, week_shares
from portal.core.kernel.businesstime import business_date, instant_at
from portal.core.kernel.money import ZERO
from portal.core.models import PhoneTask
from relief.cases.models import Case
from relief.cases.queries import Sla, rules_for
from relief.cases.reasons import REASONS
from relief.cases.timing.deadlines import MORNING
from relief.cases.workflow import IN_PLAN, State
from relief.conversation.models import Conversation
from relief.desk.base import staff_user
from relief.desk.queue import LIGHT, WORKED_ON, urgencies
from relief.offers.models import Agreement

WEEKS = 8
TARGET = Decimal(95)
SOON = timedelta(hours=2)


@dataclass(frozen=True)
class Kpi:
    """One tile: tone "", w, d or s."""

    tone: str
    label: str
    value: str
    note: str
    link: str


@dataclass(frozen=True)
class ReasonLine:
    label: str
    waiting: int
    plans: int
    share: int | None  # average waiver in per cent of the penalty


@dataclass(frozen=True)
class HandlerLine:
    name: str
    cases: int
    punctual: str
    late: int


@dataclass(frozen=True)
class Granted:
    """One agreement of the window (yuan)."""

    at: datetime
    waived: Decimal
    penalty: Decimal
    reasons: list[str]


@dataclass(frozen=True)
class Review:
    """One review that was finished, or whose deadline passed, in the window."""

    at: datetime
    handler: str
    on_time: bool


def board(request: HttpRequest) -> dict[str, Any]:
    """The context of the front page: a constant number of queries, whatever there is."""
    viewer, now = staff_user(request), clock.now()
    today = business_date(now)
    mondays = [_monday(today) - timedelta(weeks=n) for n in reversed(range(WEEKS))]
    since = instant_at(min(mondays[0], today.replace(day=1)), MORNING) - timedelta(hours=9)
    visible = Case.objects.visible_to(viewer)
    worked = list(
        visible.filter(state__in=WORKED_ON)
        .select_related("assigned_to")
        .only(*LIGHT, "reasons", "assigned_to__name")
    )
    calendar = load_calendar()
    urgency = urgencies(worked, now, calendar)
    plans = list(visible.filter(state__in=IN_PLAN).values_list("state", "reasons"))
    granted = _granted(since)
    reviews = _reviews(since, now)
    return {
        "kpis": _kpis(worked, urgency, [state for state, _ in plans], granted, now),
        "punctual": _punctual(reviews, mondays),
        "cost": _cost(granted, mondays),
        "cost_total": sum((g.waived for g in granted if _day(g.at) >= mondays[0]), ZERO),
        "cost_count": sum(_day(g.at) >= mondays[0] for g in granted),
        "reasons": _by_reason(worked, [reasons for _, reasons in plans], granted),
        "handlers": _by_handler(worked, urgency, reviews),
        "calls": PhoneTask.objects.filter(done_at=None).count(),
        "chats": Conversation.objects.visible_to(viewer).waiting().count(),
        "weeks": WEEKS,
        "policy": rules_for(None),
    }


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _day(instant: datetime) -> date:
    return business_date(instant)


def _granted(since: datetime) -> list[Granted]:
    rows = Agreement.objects.filter(accepted_at__gte=since).exclude(end_kind="revoked")
    values = rows.values_list("accepted_at", "offer__figures", "offer__terms", "case__reasons")
    return [
        Granted(accepted_at, Decimal(terms["waive_penalty"]), Decimal(figures["penalty"]), reasons)
        for accepted_at, figures, terms, reasons in values
    ]


def _reviews(since: datetime, now: datetime) -> list[Review]:
    rows = Case.objects.filter(
        Q(reviewed_at__gte=since) | Q(reviewed_at=None, review_due_at__range=(since, now))
    ).exclude(state__in=[State.DRAFT, State.WITHDRAWN, State.SETTLED, State.NEED_MORE])
    values = rows.values_list("reviewed_at", "review_due_at", "delay_from", "assigned_to__name")
    return [
        Review(
            at=reviewed or due or since,
            handler=handler or "",
            on_time=reviewed is not None and delay is None and (due is None or reviewed <= due),
        )
        for reviewed, due, delay, handler in values
    ]


def _kpis(
    worked: list[Case],
    urgency: dict[int, Sla],
    plans: list[str],
    granted: list[Granted],
    now: datetime,
) -> list[Kpi]:
    counts = Counter(urgency.values())
    soon = sum(
        urgency[case.pk] == Sla.TODAY
        and case.next_due_at is not None
        and case.next_due_at - now <= SOON
        for case in worked
    )
    unclaimed = sum(case.state == State.SUBMITTED for case in worked)
    checks = sum(case.state == State.AWAITING_APPROVAL for case in worked)
    on_time = sum(state == State.PLAN_ACTIVE for state in plans)
    month_start = business_date(now).replace(day=1)
    waived_this_month = [row.waived for row in granted if _day(row.at) >= month_start]
    late = counts[Sla.LATE]
    average = (
        f"，件均 ¥{sum(waived_this_month, ZERO) / len(waived_this_month):,.2f}"
        if waived_this_month
        else ""
    )
    return [
        Kpi("", "待处理申请", f"{len(worked)}", f"待领取 {unclaimed} 件", ""),
        Kpi(
            "w",
            "今日到期",
            f"{counts[Sla.TODAY]}",
            f"其中 {soon} 件不足 2 小时" if soon else "暂无不足 2 小时的",
            "?due=today",
        ),
        Kpi("d", "已超时", f"{late}", "需立即处理" if late else "没有超时", "?due=late"),
        Kpi("", "待复核", f"{checks}", "拟定人不能复核", "?state=AWAITING_APPROVAL"),
        Kpi(
            "s", "按新计划还款中", f"{len(plans)}", _kept_text(on_time, len(plans)), "?state=plans"
        ),
        Kpi(
            "",
            "本月减免罚息",
            f"¥{sum(waived_this_month, ZERO):,.2f}",
            f"{len(waived_this_month)} 件{average}",
            "",
        ),
    ]


def _kept_text(on_time: int, plans: int) -> str:
    return f"按约还款 {on_time * 100 / plans:.1f}%" if plans else "还没有人按新计划还款"


def _punctual(reviews: list[Review], mondays: list[date]) -> WeekChart:
    weeks = _by_week(((r.at, r) for r in reviews), mondays)
    return week_shares(
        [(monday, _share([r.on_time for r in weeks[monday]])) for monday in mondays],
        title="审核按时率",
        target=TARGET,
    )


def _cost(granted: list[Granted], mondays: list[date]) -> WeekChart:
    weeks = _by_week(((g.at, g) for g in granted), mondays)
    amounts = [(monday, sum((g.waived for g in weeks[monday]), ZERO)) for monday in mondays]
    return week_bars(amounts, title="每周减免罚息")


def _by_week(rows: Iterable[tuple[datetime, Any]], mondays: list[date]) -> dict[date, list[Any]]:
    by_monday: dict[date, list[Any]] = {monday: [] for monday in mondays}
    for instant, row in rows:
        monday = _monday(_day(instant))
        if monday in by_monday:
            by_monday[monday].append(row)
    return by_monday


def _share(outcomes: Sequence[bool]) -> Decimal | None:
    return Decimal(sum(outcomes)) * 100 / len(outcomes) if outcomes else None


def _by_reason(
    worked: list[Case], plans: list[list[str]], granted: list[Granted]
) -> list[ReasonLine]:
    """By the first reason of a case: force majeure comes first."""
    waiting = Counter(case.reasons[0] for case in worked if case.reasons)
    running = Counter(reasons[0] for reasons in plans if reasons)
    shares: dict[str, list[Decimal]] = defaultdict(list)
    for row in granted:
        if row.reasons and row.penalty:
            shares[row.reasons[0]].append(row.waived * 100 / row.penalty)
    lines = [
        ReasonLine(
            label,
            waiting[key],
            running[key],
            round(sum(shares[key], ZERO) / len(shares[key])) if key in shares else None,
        )
        for key, (label, _) in REASONS.items()
    ]
    shown = [line for line in lines if line.waiting or line.plans or line.share is not None]
    return sorted(shown, key=lambda line: -line.waiting - line.plans)


def _by_handler(
    worked: list[Case], urgency: dict[int, Sla], reviews: list[Review]
) -> list[HandlerLine]:
    hands: dict[str, list[Case]] = defaultdict(list)
    for case in worked:
        hands[case.assigned_to.name if case.assigned_to else ""].append(case)
    punctual: dict[str, list[bool]] = defaultdict(list)
    for review in reviews:
        punctual[review.handler].append(review.on_time)
    lines = []
    for name in sorted({*hands, *punctual}, key=lambda name: (not name, -len(hands[name]), name)):
        share = _share(punctual[name]) if name else None
        late = sum(urgency[case.pk] == Sla.LATE for case in hands[name])
        lines.append(
            HandlerLine(
                name or "未分配",
                len(hands[name]),
                "–" if share is None else f"{share:.1f}%",
                late,
            )
        )
    return lines


admin.site.show_on_index(board)  # type: ignore[attr-defined]  # our own AdminSite
