"""What 我的 shows: first what needs the borrower, then the ways on; no queries, no HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from loans.models import Loan
from loans.presenters.loan import overdue_rows, progress
from loans.presenters.wording import near_day
from loans.queries import Debt
from portal.core.clock import SHANGHAI, business_date
from portal.core.kernel.money import ZERO
from portal.core.kernel.roles import Role
from portal.core.kernel.workdays import WorkCalendar
from portal.templatetags.portal_page import optional_url
from relief.cases.deadlines import chinese
from relief.cases.labels import label
from relief.cases.models import Case
from relief.cases.workflow import IN_PLAN, IN_TALKS, OPEN, State
from relief.conversation.answers import next_opening
from relief.offers.models import OfferStatus

SOON = timedelta(days=3)  # an instalment due so soon has a card of its own
REVIEWING = frozenset({State.SUBMITTED, State.IN_REVIEW})
ASKS: dict[State, tuple[str, str, str]] = {  # tag, what is wanted, the button
    State.OFFERED: ("待你确认", "协商方案等你答复", "查看方案"),
    State.NEED_MORE: ("需要你处理", "请补充证明材料", "去上传"),
    State.WARNED: ("违约预警", "新还款计划有一期逾期", "去处理"),
}
Pair = tuple[Loan, Debt]


@dataclass(frozen=True, slots=True)
class Card:
    """One thing that needs the borrower, with the one step that helps."""

    kind: str
    tone: str
    tag: str
    note: str
    url: str
    button: str
    title: str = ""
    amount: Decimal | None = None
    penalty: Decimal = ZERO
    per_day: Decimal = ZERO
    until: datetime | None = None
    due_on: date | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One row that leads on."""

    title: str
    url: str
    icon: str
    tone: str = ""
    value: str = ""
    tag: str = ""
    tag_tone: str = ""
    badges: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole page."""

    cards: tuple[Card, ...]
    main: tuple[Cell, ...]
    more: tuple[Cell, ...]
    has_loan: bool


def overview(
    debts: Sequence[Pair], cases: Sequence[Case], calendar: WorkCalendar, now: datetime
) -> Overview:
    """Cases that wait for the borrower come first, then what is overdue, then what is due soon.

    The cases come with their offers (relief.cases.queries.with_offers).
    """
    active = [(loan, debt) for loan, debt in debts if not loan.is_settled]
    cards = [_ask(case) for case in cases if State(case.state) in ASKS]
    cards += _overdue(active, cases) or _due_soon(active)
    return Overview(
        cards=tuple(cards),
        main=(
            _loans_cell(active, settled=bool(debts) and not active),
            _relief_cell(cases, calendar, now),
            _notices_cell(),
        ),
        more=(_service_cell(calendar, now), *_plan_cells(active), _settings_cell()),
        has_loan=bool(debts),
    )


def _ask(case: Case) -> Card:
    state = State(case.state)
    tag, title, button = ASKS[state]
    is_plan = state is State.WARNED
    return Card(
        kind=state.value,
        tone="d" if is_plan else "w",
        tag=tag,
        note=case.number,
        title=title,
        url=_case_url(case, state),
        button=button,
        until=None if is_plan else case.next_due_at,
        due_on=business_date(case.next_due_at) if is_plan and case.next_due_at else None,
        text=case.ask_text if state is State.NEED_MORE else "",
    )


def _case_url(case: Case, state: State) -> str:
    """Straight to where the answer is given: the open offer, the plan, else the case."""
    if state is State.WARNED:
        return optional_url("relief:plan", case.public_id)
    waiting = [offer for offer in case.shown_offers if offer.status == OfferStatus.OPEN]  # type: ignore[attr-defined]  # set by Prefetch
    if state is State.OFFERED and waiting:
        return optional_url("relief:offer", case.public_id, waiting[-1].number)
    return optional_url("relief:case", case.public_id)


def _overdue(active: Sequence[Pair], cases: Sequence[Case]) -> list[Card]:
    """All that is overdue as one card: oldest delay, everything owed now, its penalty."""
    late = [(loan, debt) for loan, debt in active if debt.is_overdue]
    if not late:
        return []
    count = sum(len(overdue_rows(debt)) for _, debt in late)
    late_loans = {loan.pk for loan, _ in late}
    states = {State(case.state) for case in cases if case.loan_id in late_loans}
    return [
        Card(
            kind="overdue",
            tone="d",
            tag=f"已逾期 {max(debt.overdue_days for _, debt in late)} 天",
            note=f"借呗 {count} 期未还",
            amount=sum((debt.due_now for _, debt in late), ZERO),
            penalty=sum((debt.penalty for _, debt in late), ZERO),
            per_day=sum((debt.penalty_per_day for _, debt in late), ZERO),
            url=_loan_url(late),
            button="去处理",
            text=_pause(states),
        )
    ]


def _pause(states: set[State]) -> str:
    """Why nobody reminds or calls, where that is so (domain.md §5)."""
    if states & IN_TALKS:
        return "减免申请处理中，还款提醒和催收电话已停止。"
    return "新还款计划执行中，催收电话已停止。" if states & IN_PLAN else ""


def _due_soon(active: Sequence[Pair]) -> list[Card]:
    """The next instalment when it is due within three days."""
    soon = [
        (loan, debt)
        for loan, debt in active
        if debt.next_due and debt.next_due.due_on <= debt.as_of + SOON
    ]
    if not soon:
        return []
    loan, debt = min(soon, key=lambda pair: pair[1].next_due.due_on)  # type: ignore[union-attr]  # soon holds only loans with a next date
    row = debt.next_due
    assert row is not None
    left = (row.due_on - debt.as_of).days
    return [
        Card(
            kind="due",
            tone="w",
            tag="今天到期" if left == 0 else f"还有 {left} 天到期",
            note=f"{'新还款计划' if debt.is_plan else '借呗'}第 {row.number} 期",
            amount=row.total,
            due_on=row.due_on,
            url=optional_url("loans:repay", loan.public_id),
            button="去还款",
        )
    ]


def _loan_url(pairs: Sequence[Pair]) -> str:
    """The one loan's page, or the list when there are several."""
    if len(pairs) == 1:
        return optional_url("loans:detail", pairs[0][0].public_id)
    return optional_url("loans:home")


def _loans_cell(active: Sequence[Pair], *, settled: bool) -> Cell:
    """逾期 n 期, or when the next instalment is due, or that nothing is owed."""
    late = sum(len(overdue_rows(debt)) for _, debt in active if debt.is_overdue)
    next_on = min((debt.next_due.due_on for _, debt in active if debt.next_due), default=None)
    value = "已结清" if settled else "无待还"
    if next_on is not None:
        value = f"下期 {near_day(next_on, active[0][1].as_of)}"
    return Cell(
        "借呗",
        optional_url("loans:home"),
        "yuan",
        value="" if late else value,
        tag=f"逾期 {late} 期" if late else "",
        tag_tone="d",
    )


def _relief_cell(cases: Sequence[Case], calendar: WorkCalendar, now: datetime) -> Cell:
    """The open case that is furthest from its plan: what waits is told before what runs."""
    opened = [case for case in cases if State(case.state) in OPEN]
    opened.sort(key=lambda case: (State(case.state) in IN_PLAN, State(case.state) not in ASKS))
    value = tag = ""
    if not opened:
        value = "暂无进行中"
    elif State(opened[0].state) in ASKS:
        tag = label(opened[0].state, Role.BORROWER)
    else:
        value = label(opened[0].state, Role.BORROWER) + _days_left(opened[0], calendar, now)
    return Cell(
        "减免申请",
        optional_url("relief:cases"),
        "scale",
        tone="g",
        value=value,
        tag=tag,
        tag_tone="w",
    )


def _days_left(case: Case, calendar: WorkCalendar, now: datetime) -> str:
    """· 剩 2 个工作日, while a review is promised."""
    due = case.review_due_at
    if State(case.state) not in REVIEWING or due is None or due <= now:
        return ""
    days = calendar.working_days_between(business_date(now), business_date(due))
    return f" · 剩 {days} 个工作日" if days else " · 今天给出结果"


def _notices_cell() -> Cell:
    return Cell("消息", optional_url("portal:notices"), "message", badges=True)


def _service_cell(calendar: WorkCalendar, now: datetime) -> Cell:
    opens = next_opening(now.astimezone(SHANGHAI), calendar)
    value = "在线 · 9:00–18:00" if opens is None else f"人工 {chinese(opens)} 上线"
    return Cell("我的客服", optional_url("relief:service"), "headset", value=value)


def _plan_cells(active: Sequence[Pair]) -> list[Cell]:
    """还款计划 of the most urgent loan; nothing without a loan."""
    if not active:
        return []
    loan, debt = max(active, key=lambda pair: (pair[1].overdue_days, -pair[0].pk))
    paid, count = progress(debt)
    url = optional_url("loans:detail", loan.public_id)
    return [Cell("还款计划", url, "calendar", tone="o", value=f"已还 {paid}/{count} 期")]


def _settings_cell() -> Cell:
    return Cell("设置", optional_url("portal:settings"), "settings", tone="n")
