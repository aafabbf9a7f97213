"""The work queue: who is urgent, what a row shows, filters with counts; a constant number of queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, Q
from django.http import QueryDict

from loans.queries import debt_of, load_positions
from portal.core.calendar.days import load_calendar
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.roles import Role
from portal.core.kernel.workdays import WorkCalendar
from portal.core.models import User
from relief.cases import labels
from relief.cases.gate import Actor, Task, why_not
from relief.cases.models import Case, CaseQuerySet
from relief.cases.queries import SLA_LABELS, Sla, due_of, sla_class
from relief.cases.reasons import reason_names
from relief.cases.workflow import CLOSED, IN_PLAN, IN_TALKS, State

PER_PAGE = 20
HOT = 2 * 3600  # seconds
TONES = {
    Sla.LATE: "over",
    Sla.TODAY: "today",
    Sla.NEXT_DAY: "tmr",
    Sla.LATER: "ok",
    Sla.PAUSED: "pause",
}
LIGHT = (
    "pk", "state", "assigned_to_id", "review_due_at", "review_target_at", "next_due_at",
    "escalated_at", "borrower_id", "rejected_by_id", "appealed_at", "rounds",
)  # fmt: skip
WORKED_ON = sorted(IN_TALKS | {State.WARNED})
OVER = {"plans": sorted(IN_PLAN - {State.WARNED}), "closed": sorted(CLOSED)}
OVER_LABELS = {"plans": "计划执行中", "closed": "已结束"}


@dataclass(frozen=True)
class Pill:
    """The deadline in words and a colour that never speaks alone."""

    tone: str
    text: str
    at: datetime | None
    note: str = ""


@dataclass(frozen=True)
class QueueRow:
    """One case of the queue (yuan)."""

    case: Case
    reasons: str
    overdue_days: int
    penalty: Decimal
    state_label: str
    handler: str
    pill: Pill


@dataclass(frozen=True)
class Choice:
    """One line of a filter."""

    label: str
    count: int | None
    query: str
    on: bool


@dataclass(frozen=True)
class Filter:
    title: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Tile:
    tone: str
    label: str
    count: int
    query: str


@dataclass(frozen=True)
class Queue:
    """Everything the page prints."""

    tiles: tuple[Tile, ...]
    filters: tuple[Filter, ...]
    page: Page[int]
    rows: tuple[QueueRow, ...]
    total: int
    searched: str
    query: str
    waiting: int


def waiting_cases(viewer: User) -> CaseQuerySet:
    """What waits to be taken, by whomever why_not lets take it."""
    return Case.objects.visible_to(viewer).filter(state=State.SUBMITTED)


def queue(viewer: User, asked: QueryDict, now: datetime) -> Queue:
    """The page that `asked` (due, who, state, q, p) wants, most urgent first."""
    worked = list(
        Case.objects.visible_to(viewer)
        .filter(state__in=WORKED_ON)
        .select_related("assigned_to")
        .only(*LIGHT, "assigned_to__name")
    )
    calendar = load_calendar()
    urgency = {case.pk: urgency_of(case, now, calendar) for case in worked}
    text = asked.get("q", "").strip()[:60]
    over = OVER.get(str(asked.get("state", "")))
    ids: Any
    if text or over:
        found = search(Case.objects.visible_to(viewer), text)
        found = found.filter(state__in=over) if over else found
        ordered = found.order_by(F("next_due_at").asc(nulls_last=True), "-pk")
        ids = ordered.values_list("pk", flat=True)
    else:
        ids = [case.pk for case in _ordered(_kept(worked, urgency, asked, viewer), urgency, now)]
    page = Paginator(ids, PER_PAGE).get_page(asked.get("p"))
    return Queue(
        tiles=_tiles(urgency, asked),
        filters=_filters(worked, urgency, asked, viewer),
        page=page,
        rows=tuple(_rows(list(page.object_list), now, calendar)),
        total=page.paginator.count,
        searched=text,
        query=_query(asked, p=""),
        waiting=sum(
            not why_not(Task.TAKE_NEXT, case, Actor.of(viewer), now)
            for case in worked
            if case.state == State.SUBMITTED
        ),
    )


def search(cases: CaseQuerySet, text: str) -> CaseQuerySet:
    """By number of case or loan, whole phone or its last four digits, or name."""
    if not text:
        return cases
    return cases.filter(
        Q(number__icontains=text)
        | Q(loan__number__icontains=text)
        | Q(borrower__name__icontains=text)
        | Q(borrower__phone=text)
        | (Q(borrower__phone__endswith=text) if len(text) == 4 and text.isdigit() else Q())
    )


def urgency_of(case: Case, now: datetime, calendar: WorkCalendar) -> Sla:
    """sla_class by working days; a warned plan is late once its time to cure is over."""
    if case.state == State.WARNED:
        end = case.next_due_at
        return Sla.LATE if end is not None and end <= now else Sla.PAUSED
    found, due = sla_class(case, now), due_of(case)
    if found != Sla.LATER or due is None:
        return found
    days = calendar.working_days_between(business_date(now), business_date(due))
    return Sla.NEXT_DAY if days <= 1 else found


def _kept(
    cases: Iterable[Case], urgency: dict[int, Sla], asked: QueryDict, viewer: User
) -> list[Case]:
    due, who, state = (asked.get(name, "") for name in ("due", "who", "state"))
    return [
        case
        for case in cases
        if (not due or urgency[case.pk] == due)
        and (not state or case.state == state)
        and (who != "me" or case.assigned_to_id == viewer.pk)
        and (who != "none" or case.assigned_to_id is None)
    ]


def _ordered(cases: list[Case], urgency: dict[int, Sla], now: datetime) -> list[Case]:
    order = list(Sla)
    return sorted(cases, key=lambda case: (order.index(urgency[case.pk]), due_of(case) or now))


def _rows(ids: list[int], now: datetime, calendar: WorkCalendar) -> Iterable[QueueRow]:
    found = {case.pk: case for case in Case.objects.for_lists().filter(pk__in=ids)}
    cases = [found[pk] for pk in ids if pk in found]
    positions = load_positions([case.loan for case in cases])
    today = business_date(now)
    for case in cases:
        owed = debt_of(positions[case.loan_id], today)
        yield QueueRow(
            case=case,
            reasons=reason_names(case.reasons),
            overdue_days=owed.overdue_days,
            penalty=owed.penalty + owed.kept_penalty,
            state_label=labels.label(case.state, Role.STAFF),
            handler=case.assigned_to.name if case.assigned_to else "",
            pill=pill(case, now, calendar),
        )


def pill(case: Case, now: datetime, calendar: WorkCalendar) -> Pill:
    """超时 20小时50分 / 剩 1小时10分 / 1 个工作日 / 已暂停, by the deadline staff are measured by."""
    if State(case.state) in CLOSED or case.state == State.PLAN_ACTIVE:
        return Pill("", labels.label(case.state, Role.STAFF), case.next_due_at)
    urgency, due = urgency_of(case, now, calendar), due_of(case)
    if urgency == Sla.PAUSED or due is None:
        return Pill("pause", "已暂停", case.next_due_at, "等待借款人")
    if urgency == Sla.LATE:
        if due <= now:
            return Pill("over", f"超时 {_span(now - due)}", due)
        return Pill("over", "已超时，新承诺", due)
    left = due - now
    days = calendar.working_days_between(business_date(now), business_date(due))
    if urgency == Sla.TODAY or not days:
        tone = "hot" if left.total_seconds() <= HOT else TONES[urgency]
        return Pill(tone, f"剩 {_span(left)}", due)
    return Pill(TONES[urgency], f"{days} 个工作日", due)


def _span(span: object) -> str:
    minutes = int(span.total_seconds() // 60)  # type: ignore[attr-defined]
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days}天{hours}小时"
    return f"{hours}小时{minutes % 60}分" if hours else f"{minutes}分"


def _query(asked: QueryDict, **changes: str) -> str:
    """The address's query with some values changed; empty ones leave it."""
    names = ("due", "who", "state", "q", "p")
    values = {name: asked.get(name, "")[:60] for name in names} | {"p": ""} | changes
    fresh = QueryDict(mutable=True)
    fresh.update({name: value for name, value in values.items() if value})
    return f"?{fresh.urlencode()}"


def _tiles(urgency: dict[int, Sla], asked: QueryDict) -> tuple[Tile, ...]:
    counts = Counter(urgency.values())
    return tuple(
        Tile(TONES[sla], label, counts[sla], _query(asked, due=sla.value, q="", state=""))
        for sla, label in SLA_LABELS.items()
    )


def _filters(
    worked: list[Case], urgency: dict[int, Sla], asked: QueryDict, viewer: User
) -> tuple[Filter, ...]:
    due = Counter(sla.value for sla in urgency.values())
    mine = sum(case.assigned_to_id == viewer.pk for case in worked)
    free = sum(case.assigned_to_id is None for case in worked)
    states = Counter(case.state for case in worked)
    people = [("me", "我", mine), ("none", "未分配", free)]
    by_state = [
        (state.value, labels.label(state, Role.STAFF), states[state.value])
        for state in State
        if state.value in WORKED_ON
    ]
    over = [(key, label, None) for key, label in OVER_LABELS.items()]
    by_due = [(s.value, "已暂停" if s == Sla.PAUSED else SLA_LABELS[s], due[s.value]) for s in Sla]
    return (
        _filter("按截止时间", "due", by_due, asked, len(worked)),
        _filter("按处理人", "who", people, asked, len(worked)),
        _filter("按状态", "state", [*by_state, *over], asked, len(worked)),
    )


def _filter(
    title: str,
    name: str,
    values: Sequence[tuple[str, str, int | None]],
    asked: QueryDict,
    total: int,
) -> Filter:
    chosen = asked.get(name, "")
    first = Choice("全部", total, _query(asked, **{name: "", "q": ""}), not chosen)
    rest = (
        Choice(label, count, _query(asked, **{name: value, "q": ""}), chosen == value)
        for value, label, count in values
    )
    return Filter(title, (first, *rest))
