"""The work queue: who is urgent, what a row shows, filters with counts; a constant number of queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, Q
from django.http import QueryDict

from loans.presenters.amounts import Figure, penalty_owed
from loans.queries.debt import debt_of
from loans.queries.position import load_positions
from loans.queries.stage import LoanStage
from portal.core.calendar.days import load_calendar
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.phones import search_words
from portal.core.kernel.roles import Role
from portal.core.kernel.typed import person_name
from portal.core.kernel.workdays import WorkCalendar
from portal.core.models import User
from relief.cases import labels
from relief.cases.gate import Actor, why_not
from relief.cases.models import Case, CaseQuerySet
from relief.cases.permissions import Task
from relief.cases.queries import SLA_LABELS, Sla, due_of, label_of, loan_stages, sla_class
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
OVER = {"plans": sorted(IN_PLAN), "closed": sorted(CLOSED)}
OVER_LABELS = {"plans": "按新计划还款", "closed": "已结束"}


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
    penalty: Figure
    state_label: str
    tone: str  # of the stage of its loan; "" where the state's own colour holds
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
    """Cases that nobody has claimed yet; why_not says who may take each."""
    return Case.objects.visible_to(viewer).filter(state=State.SUBMITTED)


def queue(viewer: User, query: QueryDict, now: datetime) -> Queue:
    """The page that `asked` (due, who, state, q, p) wants, most urgent first."""
    worked = list(
        Case.objects.visible_to(viewer)
        .filter(state__in=WORKED_ON)
        .select_related("assigned_to")
        .only(*LIGHT, "assigned_to__name")
    )
    calendar = load_calendar()
    urgency = urgencies(worked, now, calendar)
    text = search_words(query.get("q", "")[:60])
    closed_states = OVER.get(str(query.get("state", "")))
    ids: Any
    if text or closed_states:
        matching = search(Case.objects.visible_to(viewer), text)
        matching = matching.filter(state__in=closed_states) if closed_states else matching
        ordered = matching.order_by(F("next_due_at").asc(nulls_last=True), "-pk")
        ids = ordered.values_list("pk", flat=True)
    else:
        ids = [case.pk for case in _ordered(_kept(worked, urgency, query, viewer), urgency, now)]
    page = Paginator(ids, PER_PAGE).get_page(query.get("p"))
    return Queue(
        tiles=_tiles(urgency, query),
        filters=_filters(worked, urgency, query, viewer),
        page=page,
        rows=tuple(_rows(list(page.object_list), now, calendar)),
        total=page.paginator.count,
        searched=text,
        query=_query(query, p=""),
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
        | Q(borrower__name__icontains=person_name(text))
        | Q(borrower__phone=text)
        | (Q(borrower__phone__endswith=text) if len(text) == 4 and text.isdigit() else Q())
    )


def urgencies(cases: Iterable[Case], now: datetime, calendar: WorkCalendar) -> dict[int, Sla]:
    """How urgent each case is, by case id; in six queries at most, none without a warned plan."""
    by_id = {case.pk: case for case in cases}
    warned = [pk for pk, case in by_id.items() if case.state == State.WARNED]
    planned = Case.objects.filter(pk__in=warned).select_related("loan") if warned else ()
    stages = loan_stages(planned, business_date(now))
    return {pk: urgency_of(case, now, calendar, stages.get(pk)) for pk, case in by_id.items()}


def urgency_of(
    case: Case, now: datetime, calendar: WorkCalendar, stage: LoanStage | None = None
) -> Sla:
    """sla_class by working days; a warned plan waits for the borrower until staff may end it.

    It is late once its time to cure is over, and today's work when it may end before that.
    """
    if case.state == State.WARNED:
        end = case.next_due_at
        if end is not None and end <= now:
            return Sla.LATE
        return Sla.TODAY if stage is not None and stage.is_ending else Sla.PAUSED
    sla, due = sla_class(case, now), due_of(case)
    if sla != Sla.LATER or due is None:
        return sla
    days = calendar.working_days_between(business_date(now), business_date(due))
    return Sla.NEXT_DAY if days <= 1 else sla


def _kept(
    cases: Iterable[Case], urgency: dict[int, Sla], query: QueryDict, viewer: User
) -> list[Case]:
    due, handler, state = (query.get(name, "") for name in ("due", "who", "state"))
    return [
        case
        for case in cases
        if (not due or urgency[case.pk] == due)
        and (not state or case.state == state)
        and (handler != "me" or case.assigned_to_id == viewer.pk)
        and (handler != "none" or case.assigned_to_id is None)
    ]


def _ordered(cases: list[Case], urgency: dict[int, Sla], now: datetime) -> list[Case]:
    order = list(Sla)
    return sorted(cases, key=lambda case: (order.index(urgency[case.pk]), due_of(case) or now))


def _rows(ids: list[int], now: datetime, calendar: WorkCalendar) -> Iterable[QueueRow]:
    cases_by_id = {case.pk: case for case in Case.objects.for_lists().filter(pk__in=ids)}
    cases = [cases_by_id[pk] for pk in ids if pk in cases_by_id]
    positions = load_positions([case.loan for case in cases])
    today = business_date(now)
    stages = loan_stages(cases, today, positions)
    for case in cases:
        stage = stages.get(case.pk)
        debt = debt_of(positions[case.loan_id], today)
        yield QueueRow(
            case=case,
            reasons=reason_names(case.reasons),
            overdue_days=debt.overdue_days,
            penalty=penalty_owed(debt),
            state_label=label_of(case, Role.STAFF, stage),
            tone=stage.tone if stage else "",
            handler=case.assigned_to.name if case.assigned_to else "",
            pill=pill(case, now, calendar, stage),
        )


def pill(case: Case, now: datetime, calendar: WorkCalendar, stage: LoanStage | None = None) -> Pill:
    """超时 20小时50分 / 剩 1小时10分 / 1 个工作日 / 已暂停, by the deadline staff are measured by."""
    if State(case.state) in CLOSED or case.state == State.PLAN_ACTIVE:
        return Pill("", label_of(case, Role.STAFF, stage), case.next_due_at)
    urgency, due = urgency_of(case, now, calendar, stage), due_of(case)
    if stage is not None and stage.is_ending:  # staff's turn, with no time promised to anybody
        return Pill(TONES[urgency], "待确认违约", None)
    if urgency == Sla.PAUSED or due is None:
        return Pill("pause", "已暂停", case.next_due_at, "等待借款人")
    if urgency == Sla.LATE:
        if due <= now:
            return Pill("over", f"超时 {_span(now - due)}", due)
        return Pill("over", "已超时，新承诺", due)
    remaining = due - now
    days = calendar.working_days_between(business_date(now), business_date(due))
    if urgency == Sla.TODAY or not days:
        tone = "hot" if remaining.total_seconds() <= HOT else TONES[urgency]
        return Pill(tone, f"剩 {_span(remaining)}", due)
    return Pill(TONES[urgency], f"{days} 个工作日", due)


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days}天{hours}小时"
    return f"{hours}小时{minutes % 60}分" if hours else f"{minutes}分"


def _query(query: QueryDict, **changes: str) -> str:
    """The address's query with some values changed; empty ones leave it."""
    names = ("due", "who", "state", "q", "p")
    values = {name: query.get(name, "")[:60] for name in names} | {"p": ""} | changes
    changed = QueryDict(mutable=True)
    changed.update({name: value for name, value in values.items() if value})
    return f"?{changed.urlencode()}"


def _tiles(urgency: dict[int, Sla], query: QueryDict) -> tuple[Tile, ...]:
    counts = Counter(urgency.values())
    return tuple(
        Tile(TONES[sla], label, counts[sla], _query(query, due=sla.value, q="", state=""))
        for sla, label in SLA_LABELS.items()
    )


def _filters(
    worked: list[Case], urgency: dict[int, Sla], query: QueryDict, viewer: User
) -> tuple[Filter, ...]:
    due_counts = Counter(sla.value for sla in urgency.values())
    own_count = sum(case.assigned_to_id == viewer.pk for case in worked)
    unassigned_count = sum(case.assigned_to_id is None for case in worked)
    states = Counter(case.state for case in worked)
    people = [("me", "我", own_count), ("none", "未分配", unassigned_count)]
    by_state = [
        (state.value, labels.label(state, Role.STAFF), states[state.value])
        for state in State
        if state.value in WORKED_ON
    ]
    closed = [(key, label, None) for key, label in OVER_LABELS.items()]
    by_due = [
        (s.value, "已暂停" if s == Sla.PAUSED else SLA_LABELS[s], due_counts[s.value]) for s in Sla
    ]
    return (
        _filter("按截止时间", "due", by_due, query, len(worked)),
        _filter("按处理人", "who", people, query, len(worked)),
        _filter("按状态", "state", [*by_state, *closed], query, len(worked)),
    )


def _filter(
    title: str,
    name: str,
    values: Sequence[tuple[str, str, int | None]],
    query: QueryDict,
    total: int,
) -> Filter:
    chosen = query.get(name, "")
    everything = Choice("全部", total, _query(query, **{name: "", "q": ""}), not chosen)
    choices = (
        Choice(label, count, _query(query, **{name: value, "q": ""}), chosen == value)
        for value, label, count in values
    )
    return Filter(title, (everything, *choices))
