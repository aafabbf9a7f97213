"""The front page of the desk: what is open and late, punctuality and cost by week; constant queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.contrib import admin
from django.db.models import (
    BigIntegerField,
    Count,
    DateTimeField,
    DecimalField,
    ExpressionWrapper,
    F,
    FloatField,
    IntegerField,
    Min,
    Q,
    Subquery,
    Sum,
    TextField,
    Value,
    When,
)
from django.db.models import Case as Choose
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Round
from django.http import HttpRequest

from portal.core import clock
from portal.core.calendar.days import load_calendar
from portal.core.charts import WeekChart, week_bars, week_shares
from portal.core.kernel.businesstime import business_date, instant_at
from portal.core.kernel.money import ZERO
from portal.core.models import PhoneTask, User
from relief.cases.models import Case
from relief.cases.queries import rules_for
from relief.cases.reasons import REASONS
from relief.cases.urgency import ORDER, WORKED_ON, Sla, ranking
from relief.cases.workflow import IN_PLAN, State
from relief.conversation.models import Conversation
from relief.desk.base import staff_user
from relief.evidence.models import Evidence
from relief.offers.models import Agreement

WEEKS = 8
TARGET = Decimal(95)
SOON = timedelta(hours=2)
BEFORE = -1  # no week that is shown
BY_REASON = -1  # no urgency: counted by state and reason
FIRST_REASON = Coalesce(KT("reasons__0"), Value("", TextField()))


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
    query: str  # of the queue, for the same cases


class Open(NamedTuple):
    """Open cases counted one way: by whose they are and how urgent, or by state and first reason."""

    handler_id: int | None  # None: nobody's
    name: str
    urgency: int  # place in ORDER; BY_REASON where they are counted by state and reason
    state: str
    reason: str
    cases: int
    soon: int  # due within SOON


class Granted(NamedTuple):
    """The agreements of one week with one first reason."""

    week: int  # place in the weeks that are shown; BEFORE them
    is_this_month: bool
    reason: str
    cases: int
    waived_fen: int
    percents: float  # sum of what each waived of its penalty, in per cent
    with_penalty: int  # how many of them had one

    @property
    def waived(self) -> Decimal:
        """Of the penalty (yuan)."""
        return Decimal(self.waived_fen) / 100


class Reviewed(NamedTuple):
    """Reviews of one week that one person finished, or whose deadline passed."""

    week: int
    handler_id: int | None
    name: str
    on_time: bool
    cases: int


class WaitingWork(NamedTuple):
    """What waits for a person beside the cases, and files that wait unusually long for their check."""

    calls: int
    chats: int
    files: int
    oldest_file: datetime | None


def board(request: HttpRequest) -> dict[str, Any]:
    """The context of the front page: a constant number of queries, whatever there is."""
    viewer, now = staff_user(request), clock.now()
    today = business_date(now)
    mondays = [_monday(today) - timedelta(weeks=n) for n in reversed(range(WEEKS))]
    month = today.replace(day=1)
    since = min(mondays[0], month)
    cases = _open(viewer, now)
    hands = [row for row in cases if row.urgency != BY_REASON]
    kept = [row for row in cases if row.urgency == BY_REASON]
    granted = _granted(mondays, month, since)
    reviews = _reviews(mondays, since, now)
    shown = [row for row in granted if row.week != BEFORE]
    waiting = _waiting(viewer, now)
    return {
        "kpis": _kpis(hands, kept, granted),
        "punctual": _punctual(reviews, mondays),
        "cost": _cost(shown, mondays),
        "cost_total": sum((row.waived for row in shown), ZERO),
        "cost_count": sum(row.cases for row in shown),
        "reasons": _by_reason(kept, granted),
        "handlers": _by_handler(hands, reviews),
        "calls": waiting.calls,
        "chats": waiting.chats,
        "slow_checks": _slow_checks(waiting, now),
        "weeks": WEEKS,
        "policy": rules_for(None),
    }


def _slow_checks(waiting: WaitingWork, now: datetime) -> str:
    """How many files wait unusually long for their check, and the oldest of them; empty when none does."""
    if waiting.oldest_file is None:
        return ""
    minutes = int((now - waiting.oldest_file).total_seconds()) // 60
    return (
        f"{waiting.files} 份材料等待安全检查太久，最早的一份已等 {minutes} 分钟：检查进程、病毒扫描"
        "或文件存放处可能停了，请通知运维。检查恢复前这些材料打不开，不会被当作已通过；恢复后会自动检查。"
    )


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _open(viewer: User, now: datetime) -> list[Open]:
    """What is worked on, and what plans keep, counted both ways in one query."""
    cases = Case.objects.visible_to(viewer).order_by()
    by_hand = (
        ranking(now, load_calendar())(cases.filter(state__in=WORKED_ON))
        .annotate(name=Coalesce("assigned_to__name", Value("")))
        .values("assigned_to", "name", "urgency")
        .annotate(
            cases=Count("pk"),
            soon=Count("pk", filter=Q(next_due_at__lte=now + SOON)),
            any_state=Value(""),
            any_reason=Value(""),
        )
        .values_list("assigned_to", "name", "urgency", "any_state", "any_reason", "cases", "soon")
    )
    by_reason = (
        cases.filter(state__in={*WORKED_ON, *IN_PLAN})
        .annotate(reason=FIRST_REASON)
        .values("state", "reason")
        .annotate(
            cases=Count("pk"),
            anybody=Value(None, BigIntegerField()),
            any_name=Value(""),
            by=Value(BY_REASON),
            none=Value(0),
        )
        .values_list("anybody", "any_name", "by", "state", "reason", "cases", "none")
    )
    return [Open(*row) for row in by_hand.union(by_reason, all=True)]


def _granted(mondays: list[date], month: date, since: date) -> list[Granted]:
    agreements = Agreement.objects.filter(accepted_at__gte=instant_at(since))
    percent = ExpressionWrapper(F("fen") * 100.0 / F("penalty_fen"), FloatField())
    had_penalty = Q(penalty_fen__gt=0)
    rows = (
        agreements.exclude(end_kind="revoked")
        .order_by()
        .alias(terms=F("offer__terms"), figures=F("offer__figures"), reasons=F("case__reasons"))
        .annotate(
            week=_week("accepted_at", mondays),
            is_this_month=Choose(
                When(accepted_at__gte=instant_at(month), then=Value(1)), default=Value(0)
            ),
            reason=FIRST_REASON,
            fen=_fen("terms__waive_penalty"),
            penalty_fen=_fen("figures__penalty"),
        )
        .values("week", "is_this_month", "reason")
        .annotate(
            cases=Count("pk"),
            waived_fen=Sum("fen"),
            percents=Coalesce(Sum(percent, filter=had_penalty), 0.0),
            with_penalty=Count("pk", filter=had_penalty),
        )
    )
    return [Granted(*row) for row in rows.values_list(*Granted._fields)]


def _fen(path: str) -> Cast:
    """An amount that stands as text in JSON, in fen: whole numbers add up exactly in any database."""
    amount = Cast(KT(path), DecimalField(max_digits=14, decimal_places=2))
    return Cast(Round(amount * 100), BigIntegerField())


def _week(instant: str, mondays: list[date]) -> Choose:
    """Which of the weeks an instant lies in."""
    starts = list(enumerate(mondays))
    return Choose(
        *(
            When(**{f"{instant}__gte": instant_at(monday)}, then=Value(place))
            for place, monday in reversed(starts)
        ),
        default=Value(BEFORE),
        output_field=IntegerField(),
    )


def _reviews(mondays: list[date], since: date, now: datetime) -> list[Reviewed]:
    window = instant_at(since)
    ended = Q(reviewed_at__gte=window) | Q(reviewed_at=None, review_due_at__range=(window, now))
    in_time = Q(reviewed_at__isnull=False, delay_from=None) & (
        Q(review_due_at=None) | Q(reviewed_at__lte=F("review_due_at"))
    )
    rows = (
        Case.objects.filter(ended)
        .exclude(state__in=[State.DRAFT, State.WITHDRAWN, State.SETTLED, State.NEED_MORE])
        .order_by()
        .annotate(
            ended_at=Coalesce("reviewed_at", "review_due_at"),
            name=Coalesce("assigned_to__name", Value("")),
            on_time=Choose(When(in_time, then=Value(1)), default=Value(0)),
        )
        .annotate(week=_week("ended_at", mondays))
        .values("week", "assigned_to", "name", "on_time")
        .annotate(cases=Count("pk"))
    )
    return [
        Reviewed(*row)
        for row in rows.values_list("week", "assigned_to", "name", "on_time", "cases")
    ]


def _waiting(viewer: User, now: datetime) -> WaitingWork:
    """All of it in one query."""
    calls = PhoneTask.objects.filter(done_at=None).order_by().values("done_at")
    chats = Conversation.objects.visible_to(viewer).waiting().order_by().values("taken_by")
    files = Evidence.objects.waiting_long(now).order_by().values("state")
    columns: dict[str, Any] = {
        name: Coalesce(Subquery(rows.annotate(n=Count("pk")).values("n")), 0)
        for name, rows in (("calls", calls), ("chats", chats), ("files", files))
    }
    oldest = files.annotate(oldest=Min("created_at")).values("oldest")
    one_row = User.objects.filter(pk=viewer.pk).values_list(
        *columns.values(), Subquery(oldest, output_field=DateTimeField())
    )
    return WaitingWork(*one_row.get())


def _kpis(hands: list[Open], kept: list[Open], granted: list[Granted]) -> list[Kpi]:
    late, today = (_urgent(hands, sla) for sla in (Sla.LATE, Sla.TODAY))
    soon = sum(row.soon for row in hands if ORDER[row.urgency] == Sla.TODAY)
    states: Counter[str] = Counter()
    for row in kept:
        states[row.state] += row.cases
    plans = sum(states[state] for state in IN_PLAN)
    this_month = [row for row in granted if row.is_this_month]
    waived, agreements = sum((r.waived for r in this_month), ZERO), sum(r.cases for r in this_month)
    average = f"，件均 ¥{waived / agreements:,.2f}" if agreements else ""
    return [
        Kpi(
            "",
            "待处理申请",
            f"{sum(row.cases for row in hands)}",
            f"待领取 {states[State.SUBMITTED]} 件",
            "",
        ),
        Kpi(
            "w",
            "今日到期",
            f"{today}",
            f"其中 {soon} 件不足 2 小时" if soon else "暂无不足 2 小时的",
            "?due=today",
        ),
        Kpi("d", "已超时", f"{late}", "需立即处理" if late else "没有超时", "?due=late"),
        Kpi(
            "",
            "待复核",
            f"{states[State.AWAITING_APPROVAL]}",
            "拟定人不能复核",
            "?state=AWAITING_APPROVAL",
        ),
        Kpi(
            "s",
            "按新计划还款中",
            f"{plans}",
            _kept_text(states[State.PLAN_ACTIVE], plans),
            "?state=plans",
        ),
        Kpi("", "本月减免罚息", f"¥{waived:,.2f}", f"{agreements} 件{average}", ""),
    ]


def _urgent(hands: Iterable[Open], sla: Sla) -> int:
    return sum(row.cases for row in hands if ORDER[row.urgency] == sla)


def _kept_text(on_time: int, plans: int) -> str:
    return f"按约还款 {on_time * 100 / plans:.1f}%" if plans else "还没有人按新计划还款"


def _punctual(reviews: list[Reviewed], mondays: list[date]) -> WeekChart:
    weeks = [[row for row in reviews if row.week == place] for place in range(len(mondays))]
    return week_shares(
        [(monday, _share(rows)) for monday, rows in zip(mondays, weeks, strict=True)],
        title="审核按时率",
        target=TARGET,
    )


def _cost(shown: list[Granted], mondays: list[date]) -> WeekChart:
    amounts = [
        (monday, sum((row.waived for row in shown if row.week == place), ZERO))
        for place, monday in enumerate(mondays)
    ]
    return week_bars(amounts, title="每周减免罚息")


def _share(reviews: Sequence[Reviewed]) -> Decimal | None:
    """How many of a hundred reviews were in time."""
    ended = sum(row.cases for row in reviews)
    on_time = sum(row.cases for row in reviews if row.on_time)
    return Decimal(on_time) * 100 / ended if ended else None


def _by_reason(kept: list[Open], granted: list[Granted]) -> list[ReasonLine]:
    """By the first reason of a case: force majeure comes first."""
    lines = [
        ReasonLine(
            label,
            sum(row.cases for row in kept if row.reason == key and row.state in WORKED_ON),
            sum(row.cases for row in kept if row.reason == key and row.state in IN_PLAN),
            _average_percent([row for row in granted if row.reason == key]),
        )
        for key, (label, _) in REASONS.items()
    ]
    shown = [line for line in lines if line.waiting or line.plans or line.share is not None]
    return sorted(shown, key=lambda line: -line.waiting - line.plans)


def _average_percent(granted: list[Granted]) -> int | None:
    agreements = sum(row.with_penalty for row in granted)
    return round(sum(row.percents for row in granted) / agreements) if agreements else None


def _by_handler(hands: list[Open], reviews: list[Reviewed]) -> list[HandlerLine]:
    """Everybody with cases or reviews, the most cases first; what nobody has comes last."""
    people = {row.handler_id: row.name for row in reviews}
    people |= {row.handler_id: row.name for row in hands}
    cases = {pk: [row for row in hands if row.handler_id == pk] for pk in people}
    in_hand = {pk: sum(row.cases for row in rows) for pk, rows in cases.items()}
    lines = []
    for pk in sorted(people, key=lambda pk: (pk is None, -in_hand[pk], people[pk])):
        share = _share([row for row in reviews if row.handler_id == pk]) if pk else None
        lines.append(
            HandlerLine(
                people[pk] or "未分配",
                in_hand[pk],
                "–" if share is None else f"{share:.1f}%",
                _urgent(cases[pk], Sla.LATE),
                f"?who={pk or 'none'}",
            )
        )
    return lines


admin.site.show_on_index(board)  # type: ignore[attr-defined]  # our own AdminSite
