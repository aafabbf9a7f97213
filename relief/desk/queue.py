"""The work queue: who is urgent, what a row shows, filters with counts; ten queries, whatever there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple, Self

from django.core.paginator import Page, Paginator
from django.db.models import Case as Choose
from django.db.models import (
    CharField,
    Count,
    F,
    IntegerField,
    Min,
    OrderBy,
    Q,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast
from django.http import QueryDict

from loans.presenters.amounts import Figure, penalty_owed
from loans.queries.debt import debt_of
from loans.queries.position import load_positions
from loans.queries.stage import LoanStage
from portal.core.calendar.days import load_calendar
from portal.core.kernel.businesstime import business_date, instant_at
from portal.core.kernel.phones import search_words
from portal.core.kernel.roles import Rank, Role
from portal.core.kernel.typed import person_name
from portal.core.kernel.workdays import WorkCalendar
from portal.core.models import User
from relief.cases import labels
from relief.cases.models import Case, CaseQuerySet
from relief.cases.queries import label_of, stages_in
from relief.cases.reasons import REASONS, reason_names
from relief.cases.urgency import ORDER, SLA_LABELS, WORKED_ON, Sla, due_of, ranking, urgency_of
from relief.cases.workflow import CLOSED, IN_PLAN, State
from relief.plans.clock import watch_of

PER_PAGE = 20
HOT = 2 * 3600  # seconds
LONGEST = 60  # characters of a value in the address
TONES = {
    Sla.LATE: "over",
    Sla.TODAY: "today",
    Sla.NEXT_DAY: "tmr",
    Sla.LATER: "ok",
    Sla.PAUSED: "pause",
}
OVER = {"plans": sorted(IN_PLAN), "closed": sorted(CLOSED)}
OVER_LABELS = {"plans": "按新计划还款", "closed": "已结束"}
DAY = timedelta(days=1)


class Band(NamedTuple):
    """From `least` (included) to `most` (left out); None is no end."""

    label: str
    least: int | None
    most: int | None


AMOUNTS = {  # yuan of the loan's principal
    "small": Band("5,000 元以下", None, 5000),
    "middle": Band("5,000 元至 20,000 元以下", 5000, 20000),
    "large": Band("20,000 元及以上", 20000, None),
}
AGES = {  # calendar days since it was submitted
    "new": Band("今天或昨天", 0, 2),
    "days": Band("2 至 6 天前", 2, 7),
    "week": Band("7 天前或更早", 7, None),
}


class Column(NamedTuple):
    """A heading of the table; with `by` the rows may be put in its order."""

    label: str
    by: str = ""
    side: str = ""  # ra: figures on the right


COLUMNS = (
    Column("申请编号", "number"),
    Column("借款人"),
    Column("原因"),
    Column("借款金额(元)", "amount", "ra"),
    Column("逾期天数", "", "ra"),
    Column("罚息合计(元)", "", "ra"),
    Column("状态", "state"),
    Column("处理人", "who"),
    Column("截止时间", "due"),
)
_BY_STATE = Choose(
    *(When(state=state, then=Value(place)) for place, state in enumerate(State)),
    output_field=IntegerField(),
)
SORTED_BY: dict[str, tuple[Any, ...]] = {
    "number": ("number",),
    "amount": ("loan__principal",),
    "state": (_BY_STATE,),
    "who": ("assigned_to__name", "assigned_to"),
    "due": ("urgency", "staff_due_at"),
    "age": ("submitted_at",),
}


@dataclass(frozen=True)
class QueueQuery:
    """What the address asks for; a value that nobody offers asks for nothing."""

    due: str = ""
    who: str = ""  # me, none, or the id of a colleague
    state: str = ""
    reason: str = ""
    amount: str = ""
    age: str = ""
    q: str = ""
    sort: str = ""  # of SORTED_BY, with "-" the other way round
    p: str = ""

    @classmethod
    def of(cls, query: QueryDict) -> Self:
        typed = {one.name: query.get(one.name, "")[:LONGEST] for one in fields(cls)}
        offered: dict[str, Callable[[str], bool]] = {
            "due": lambda value: value in ORDER,
            "who": lambda value: value in {"me", "none"} or _is_id(value),
            "state": lambda value: value in {*WORKED_ON, *OVER},
            "reason": REASONS.__contains__,
            "amount": AMOUNTS.__contains__,
            "age": AGES.__contains__,
            "sort": lambda value: value.removeprefix("-") in SORTED_BY,
            "p": _is_id,
        }
        kept = {name: typed[name] for name, known in offered.items() if known(typed[name])}
        return cls(**kept, q=search_words(typed["q"]))

    def address(self, **changes: str) -> str:
        """The address's query with some values changed; from another filter one begins on page 1."""
        changed = replace(self, **({"p": ""} | changes))
        query = QueryDict(mutable=True)
        query.update({name: value for name, value in vars(changed).items() if value})
        return f"?{query.urlencode()}"

    @property
    def rest(self) -> list[tuple[str, str]]:
        """What a form of the selects brings along unchanged."""
        names = ("due", "who", "state", "q", "sort")
        return [(name, value) for name in names if (value := getattr(self, name))]

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the order and the page is asked for."""
        return replace(self, sort="", p="") != type(self)()

    @property
    def states(self) -> list[str]:
        """The states that are looked through: a search finds closed applications too."""
        if self.q:
            return [state for state in State if state != State.DRAFT]
        return sorted({*WORKED_ON, *OVER.get(self.state, ())})

    def wants(self, state: str) -> bool:
        """Whether cases in this state are listed."""
        if not self.state:
            return bool(self.q) or state in WORKED_ON
        return state in OVER.get(self.state, [self.state])

    def conditions(self, now: datetime) -> Q:
        """What has no counts of its own: reason, amount, age and the search."""
        wanted = Q()
        if self.reason:
            wanted &= Q(reasons_text__contains=f'"{self.reason}"')
        if self.amount:
            wanted &= _within("loan__principal", *AMOUNTS[self.amount][1:])
        if self.age:
            today, band = business_date(now), AGES[self.age]
            latest = None if not band.least else instant_at(today - (band.least - 1) * DAY)
            earliest = None if band.most is None else instant_at(today - (band.most - 1) * DAY)
            wanted &= _within("submitted_at", earliest, latest)
        return wanted & _found(self.q)

    def order(self) -> list[OrderBy]:
        """The columns to put the rows in order by; what has no value comes last."""
        key, backwards = self.sort.removeprefix("-") or "due", self.sort.startswith("-")
        columns = [F(one) if isinstance(one, str) else one for one in SORTED_BY[key]]
        return [
            *(OrderBy(one, descending=backwards, nulls_last=True) for one in columns),
            F("pk").desc(),
        ]


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _within(name: str, least: object, most: object) -> Q:
    wanted = Q() if least is None else Q(**{f"{name}__gte": least})
    return wanted if most is None else wanted & Q(**{f"{name}__lt": most})


def _found(text: str) -> Q:
    """By number of case or loan, whole phone or its last four digits, or name."""
    if not text:
        return Q()
    return (
        Q(number__icontains=text)
        | Q(loan__number__icontains=text)
        | Q(borrower__name__icontains=person_name(text))
        | Q(borrower__phone=text)
        | (Q(borrower__phone__endswith=text) if len(text) == 4 and text.isdigit() else Q())
    )


@dataclass(frozen=True)
class Pill:
    """The deadline in words and a colour that never speaks alone.

    The words of a time that runs (超时, 剩) change every minute by themselves, and are no news.
    """

    tone: str
    text: str
    at: datetime | None
    note: str = ""
    runs: str = ""  # 超时 or 剩: the browser counts on from here

    @property
    def fact(self) -> tuple[object, ...]:
        """What the deadline says, whatever the time."""
        return self.tone, self.runs or self.text, self.at, self.note


@dataclass(frozen=True)
class QueueRow:
    """One case of the queue (yuan)."""

    pk: int
    number: str
    borrower: str
    reasons: str
    principal: Decimal
    overdue_days: int
    penalty: Figure
    state: str
    state_label: str
    tone: str  # of the stage of its loan; "" where the state's own colour holds
    handler: str
    is_mine: bool
    pill: Pill = field(repr=False)


@dataclass(frozen=True)
class Choice:
    """One line of a filter."""

    label: str
    count: int | None
    query: str
    on: bool


@dataclass(frozen=True)
class Filter:
    """Choices with counts: each is what its link finds."""

    name: str
    title: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Select:
    """Choices without counts, sent by a form."""

    name: str
    title: str
    choices: tuple[tuple[str, str], ...]
    chosen: str


@dataclass(frozen=True)
class Tile:
    tone: str
    label: str
    count: int
    query: str


@dataclass(frozen=True)
class Heading:
    """A heading as printed: what pressing it asks for, and how the rows are sorted by it now."""

    column: Column
    query: str
    sorted: str  # ascending, descending or ""


@dataclass(frozen=True)
class Queue:
    """Everything the page prints."""

    asked: QueueQuery
    tiles: tuple[Tile, ...]
    filters: tuple[Filter, ...]
    selects: tuple[Select, ...]
    headings: tuple[Heading, ...]
    page: Page[Any]
    rows: tuple[QueueRow, ...]
    waiting: int  # how many the viewer might be given by 领取下一件
    in_hand: int | None  # the oldest case that the viewer reviews now
    fresh: int  # submitted since the page was opened

    @property
    def total(self) -> int:
        return self.page.paginator.count

    @property
    def here(self) -> str:
        """The address's query, page and all: what is asked for again while nobody does anything."""
        return self.asked.address(p=self.asked.p)

    @property
    def version(self) -> str:
        """Another one as soon as anything that is printed is another, but for a time that runs."""
        printed = (
            *(self.tiles, self.filters, self.total, self.page.number, self.rows),
            *([row.pill.fact for row in self.rows], self.waiting, self.in_hand, self.fresh),
        )
        return sha256(repr(printed).encode()).hexdigest()[:16]

    @property
    def pages(self) -> list[tuple[int | str, str]]:
        """The first page, the last and those around this one, with their addresses; … between."""
        numbers = self.page.paginator.get_elided_page_range(
            self.page.number, on_each_side=2, on_ends=1
        )
        return [
            (number, self.asked.address(p=str(number)) if isinstance(number, int) else "")
            for number in numbers
        ]


class Group(NamedTuple):
    """How many cases are alike in what the filters with counts ask; `fits` the other conditions."""

    urgency: int
    state: str
    who: str
    fits: int
    cases: int
    takeable: int
    fresh: int
    in_hand: int | None


def takeable_by(viewer: User) -> Q:
    """Cases that 领取下一件 may give; permissions.why_not (TAKE_NEXT) has the last word on each."""
    return (
        Q(state=State.SUBMITTED)
        & (Q(assigned_to=None) | Q(assigned_to=viewer.pk))
        & ~Q(appealed_at__isnull=False, rejected_by=viewer.pk)
    )


def queue(viewer: User, asked: QueueQuery, now: datetime, since: datetime | None = None) -> Queue:
    """The page that is `asked` for, most urgent first where nothing else is.

    `fresh` counts what came after `since`, when the page was opened.
    """
    if asked.who == str(viewer.pk):
        asked = replace(asked, who="me")
    calendar = load_calendar()
    rank = ranking(now, calendar)
    cases = rank(Case.objects.visible_to(viewer).filter(state__in=asked.states))
    cases = cases.alias(reasons_text=Cast("reasons", TextField()))
    groups = _groups(cases, viewer, asked, now, since or now)
    total = sum(group.cases for group in groups if _matches(group, asked))
    matching = cases.filter(asked.conditions(now), *_picked(asked, viewer)).order_by(*asked.order())
    paginator = Paginator(matching, PER_PAGE)
    vars(paginator)["count"] = total  # its own would ask the database again
    page = paginator.get_page(asked.p)
    on_page: Any = page.object_list
    shown = rank(Case.objects.filter(pk__in=on_page.values("pk")))
    rows = tuple(_rows(shown.order_by(*asked.order()), viewer, now, calendar))
    return Queue(
        asked=asked,
        tiles=_tiles(groups, asked),
        filters=_filters(groups, asked, rows),
        selects=_selects(asked),
        headings=tuple(_heading(column, asked) for column in COLUMNS),
        page=page,
        rows=rows,
        waiting=sum(group.takeable for group in groups) if viewer.has_rank(Rank.REVIEWER) else 0,
        in_hand=min((group.in_hand for group in groups if group.in_hand), default=None),
        fresh=sum(group.fresh for group in groups),
    )


def _groups(
    cases: CaseQuerySet, viewer: User, asked: QueueQuery, now: datetime, since: datetime
) -> list[Group]:
    """Every count of the page from one query."""
    conditions = asked.conditions(now)
    colleague = (
        [When(assigned_to=int(asked.who), then=Value(asked.who))] if asked.who.isdigit() else []
    )
    rows = cases.annotate(
        who=Choose(
            When(assigned_to=viewer.pk, then=Value("me")),
            When(assigned_to=None, then=Value("none")),
            *colleague,
            default=Value("others"),
            output_field=CharField(),
        ),
        fits=Choose(When(conditions, then=Value(1)), default=Value(0)) if conditions else Value(1),
    )
    counts = {
        "cases": Count("pk"),
        "takeable": Count("pk", filter=takeable_by(viewer)),
        "fresh": Count("pk", filter=Q(submitted_at__gt=since)),
        "in_hand": Min("pk", filter=Q(state=State.IN_REVIEW, assigned_to=viewer.pk)),
    }
    alike = ("urgency", "state", "who", "fits")
    grouped: Any = rows.order_by().values(*alike).annotate(**counts).values_list(*alike, *counts)
    return [Group(*row) for row in grouped]


def _picked(asked: QueueQuery, viewer: User) -> list[Q]:
    """What the filters with counts ask, for the database; _matches says the same of a group."""
    picked = [Q(state__in=[state for state in asked.states if asked.wants(state)])]
    if asked.due:
        picked.append(Q(urgency=ORDER.index(Sla(asked.due))))
    if asked.who:
        handlers = {"me": viewer.pk, "none": None}
        picked.append(Q(assigned_to=handlers.get(asked.who, asked.who)))
    return picked


def _matches(group: Group, asked: QueueQuery, **instead: str) -> bool:
    """Whether the cases of a group are in the list that is asked for, with some answers changed."""
    wanted = replace(asked, **instead)
    return (
        bool(group.fits)
        and wanted.wants(group.state)
        and (not wanted.due or group.urgency == ORDER.index(Sla(wanted.due)))
        and (not wanted.who or group.who == wanted.who)
    )


def _rows(
    listed: CaseQuerySet, viewer: User, now: datetime, calendar: WorkCalendar
) -> Iterable[QueueRow]:
    cases = list(listed.select_related("loan", "borrower", "assigned_to"))
    positions = load_positions([case.loan for case in cases])
    today = business_date(now)
    debts = {loan: debt_of(position, today) for loan, position in positions.items()}
    watches = {case.loan_id: watch_of(case, debts[case.loan_id]) for case in cases}
    stages = stages_in(cases, debts, {loan: watch for loan, watch in watches.items() if watch})
    for case in cases:
        stage, debt = stages.get(case.pk), debts[case.loan_id]
        yield QueueRow(
            pk=case.pk,
            number=case.number,
            borrower=case.borrower.masked_name,
            reasons=reason_names(case.reasons),
            principal=case.loan.principal,
            overdue_days=debt.overdue_days,
            penalty=penalty_owed(debt),
            state=case.state,
            state_label=label_of(case, Role.STAFF, stage),
            tone=stage.tone if stage else "",
            handler=case.assigned_to.name if case.assigned_to else "",
            is_mine=case.assigned_to_id == viewer.pk,
            pill=pill(case, now, calendar, stage),
        )


def pill(case: Case, now: datetime, calendar: WorkCalendar, stage: LoanStage | None = None) -> Pill:
    """超时 20小时50分 / 剩 1小时10分 / 1 个工作日 / 补救至 1月8日, by what staff are measured by."""
    if State(case.state) in CLOSED or case.state == State.PLAN_ACTIVE:
        return Pill("", label_of(case, Role.STAFF, stage), case.next_due_at)
    urgency, due = urgency_of(case, now, calendar, stage), due_of(case)
    if stage is not None and stage.is_ending:  # staff's turn, with no time promised to anybody
        return Pill(TONES[urgency], "待确认违约", None)
    if case.cure_until is not None and urgency == Sla.PAUSED:
        until = business_date(case.cure_until)
        return Pill("today", f"补救至 {until.month}月{until.day}日", None, "有违约风险")
    if urgency == Sla.PAUSED or due is None:
        return Pill("pause", "已暂停", case.next_due_at, "等待借款人")
    if urgency == Sla.LATE:
        if due <= now:
            return Pill("over", f"超时 {_span(now - due)}", due, runs="超时")
        return Pill("over", "已超时，新承诺", due)
    remaining = due - now
    days = calendar.working_days_between(business_date(now), business_date(due))
    if urgency == Sla.TODAY or not days:
        tone = "hot" if remaining.total_seconds() <= HOT else TONES[urgency]
        return Pill(tone, f"剩 {_span(remaining)}", due, runs="剩")
    return Pill(TONES[urgency], f"{days} 个工作日", due)


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days}天{hours}小时"
    return f"{hours}小时{minutes % 60}分" if hours else f"{minutes}分"


def _tiles(groups: list[Group], asked: QueueQuery) -> tuple[Tile, ...]:
    return tuple(
        Tile(TONES[sla], label, _count(groups, asked, due=sla.value), asked.address(due=sla.value))
        for sla, label in SLA_LABELS.items()
    )


def _count(groups: list[Group], asked: QueueQuery, **instead: str) -> int:
    return sum(group.cases for group in groups if _matches(group, asked, **instead))


def _filters(
    groups: list[Group], asked: QueueQuery, rows: tuple[QueueRow, ...]
) -> tuple[Filter, ...]:
    people = {"": "全部", "me": "我", "none": "未分配"}
    if asked.who.isdigit():
        people[asked.who] = rows[0].handler if rows else "这位同事"
    states = {state.value: labels.label(state, Role.STAFF) for state in State if state in WORKED_ON}
    due = {"": "全部"} | {sla.value: label for sla, label in SLA_LABELS.items()}
    offered: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("due", "按截止时间", due),
        ("who", "按处理人", people),
        ("state", "按状态", {"": "全部"} | states | OVER_LABELS),
    )
    return tuple(
        Filter(
            name,
            title,
            tuple(
                Choice(
                    label,
                    # What is over is counted where it has been looked through.
                    None
                    if value in OVER and not (asked.q or asked.state == value)
                    else _count(groups, asked, **{name: value}),
                    asked.address(**{name: value}),
                    getattr(asked, name) == value,
                )
                for value, label in choices.items()
            ),
        )
        for name, title, choices in offered
    )


def _selects(asked: QueueQuery) -> tuple[Select, ...]:
    reasons = [(key, label) for key, (label, _) in REASONS.items()]
    offered: tuple[tuple[str, str, list[tuple[str, str]]], ...] = (
        ("reason", "原因", reasons),
        ("amount", "借款金额", [(key, band.label) for key, band in AMOUNTS.items()]),
        ("age", "提交时间", [(key, band.label) for key, band in AGES.items()]),
    )
    return tuple(
        Select(name, title, (("", "全部"), *choices), getattr(asked, name))
        for name, title, choices in offered
    )


def _heading(column: Column, asked: QueueQuery) -> Heading:
    """Pressed once it sorts upwards, pressed again downwards."""
    key, backwards = asked.sort.removeprefix("-") or "due", asked.sort.startswith("-")
    if not column.by:
        return Heading(column, "", "")
    if column.by != key:
        return Heading(column, asked.address(sort=column.by), "")
    turned = column.by if backwards else f"-{column.by}"
    return Heading(column, asked.address(sort=turned), "descending" if backwards else "ascending")
