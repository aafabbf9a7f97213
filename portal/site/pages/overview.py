"""What 我的 shows: first what needs the borrower's attention, then the links; no queries, no HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from loans.models import Loan
from loans.presenters.amounts import PenaltyDue, penalty_due
from loans.presenters.loan import places, progress
from loans.presenters.wording import near_day, yuan
from loans.queries.stage import LoanStage, Pair, stages
from loans.queries.types import Debt
from portal.core.kernel.businesstime import business_date, in_shanghai
from portal.core.kernel.money import ZERO
from portal.core.kernel.roles import Role
from portal.core.kernel.workdays import WorkCalendar
from portal.templatetags.portal_page import optional_url
from relief.cases.collection import sentence_for
from relief.cases.labels import label, next_step
from relief.cases.models import Case
from relief.cases.queries import rules_for
from relief.cases.timing.deadlines import chinese
from relief.cases.workflow import IN_PLAN, OPEN, State
from relief.conversation.answers import next_opening
from relief.offers.models import OfferStatus
from relief.presenters.relief_status import EXPIRED, TO_REOPEN

REVIEWING = frozenset({State.SUBMITTED, State.IN_REVIEW})
ASKS: dict[State, tuple[str, str, str]] = {  # tag, what is wanted, the button
    State.OFFERED: ("待你确认", "协商方案等你答复", "查看方案"),
    State.NEED_MORE: ("需要你处理", "请补充证明材料", "去上传"),
    State.EXPIRED: ("已过期", EXPIRED, TO_REOPEN),
}
ENDED = frozenset({State.BREACHED, State.REJECTED})  # ended, and there is still something to do


@dataclass(frozen=True, slots=True)
class AttentionCard:
    """One thing that needs the borrower, with the one step that helps."""

    tone: str
    tag: str
    note: str
    url: str
    button: str
    title: str = ""
    stage: LoanStage | None = None
    loan_id: str = ""
    amount: Decimal | None = None
    amount_field: str = "due-now"
    instalment: int | None = None
    penalty: PenaltyDue | None = None
    until: datetime | None = None
    sources: str = ""
    text: str = ""
    pause: str = ""


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One link row: name, address, icon, and a value or badge."""

    title: str
    url: str
    icon: str
    tone: str = ""
    value: str = ""
    tag: str = ""
    tag_tone: str = ""
    badges: bool = False


@dataclass(frozen=True, slots=True)
class Total:
    """What several loans owe now: amount = the sum in `words`, penalty that in `penalty_words`."""

    amount: Decimal
    penalty: PenaltyDue
    words: str
    penalty_words: str
    owing: int
    count: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole page."""

    cards: tuple[AttentionCard, ...]
    total: Total | None
    main: tuple[LinkRow, ...]
    more: tuple[LinkRow, ...]
    has_loan: bool


def overview(
    debts: Sequence[Pair], cases: Sequence[Case], calendar: WorkCalendar, now: datetime
) -> Overview:
    """Cases that wait for the borrower come first, then what is owed now, then what is due soon.

    The cases come with their offers (relief.cases.queries.with_offers).
    """
    active = [(loan, debt) for loan, debt in debts if not loan.is_settled]
    stages_by_loan = stages(debts)
    cards = [_ask(case, now) for case in _latest(cases) if _asks(case)]
    cards += _loan_cards(active, stages_by_loan, cases)
    return Overview(
        cards=tuple(cards),
        total=_total(active, stages_by_loan),
        main=(
            _loans_cell(active, stages_by_loan, settled=bool(debts) and not active),
            _relief_cell(cases, stages_by_loan, calendar, now),
            _notices_cell(),
        ),
        more=(_service_cell(calendar, now), *_plan_cells(active, stages_by_loan), _settings_cell()),
        has_loan=bool(debts),
    )


def _latest(cases: Sequence[Case]) -> list[Case]:
    """The newest case of each loan (they come newest first): an older one is history."""
    newest: dict[int, Case] = {}
    for case in cases:
        newest.setdefault(case.loan_id, case)
    return list(newest.values())


def _asks(case: Case) -> bool:
    return State(case.state) in ASKS and not case.loan.is_settled


def _ask(case: Case, now: datetime) -> AttentionCard:
    state, due = State(case.state), case.next_due_at
    tag, title, button = ASKS[state]
    if due is not None and due <= now:  # its end is swept within a minute, or when a worker is back
        return AttentionCard(
            tone="w",
            tag="期限已过",
            note=f"{case.number} · 借款 {case.loan.number}",
            url=optional_url("relief:case", case.public_id),
            button="查看进度",
            text=next_step(state, Role.BORROWER, chinese(due), rules_for(case), is_past=True),
        )
    return AttentionCard(
        tone="w",
        tag=tag,
        note=f"{case.number} · 借款 {case.loan.number}",
        title=title,
        url=_case_url(case, state),
        button=button,
        until=due,
        text=case.ask_text if state is State.NEED_MORE else "",
    )


def _case_url(case: Case, state: State) -> str:
    """Straight to where the answer is given: the open offer, else the case."""
    waiting = [offer for offer in case.shown_offers if offer.status == OfferStatus.OPEN]  # type: ignore[attr-defined]  # set by Prefetch
    if state is State.OFFERED and waiting:
        return optional_url("relief:offer", case.public_id, waiting[-1].number)
    return optional_url("relief:case", case.public_id)


def _loan_cards(
    active: Sequence[Pair], stages_by_loan: Mapping[int, LoanStage], cases: Sequence[Case]
) -> list[AttentionCard]:
    """A card for each loan that owes something now; without one, for what is due next."""
    owing = [pair for pair in active if stages_by_loan[pair[0].pk].owed_now]
    soon = [pair for pair in active if stages_by_loan[pair[0].pk].is_due_soon]
    names = places(active)
    chosen = sorted(owing, key=_urgency) or sorted(soon, key=_urgency)[:1]
    return [
        _loan_card(*pair, stages_by_loan[pair[0].pk], names[pair[0].pk].full, cases)
        for pair in chosen
    ]


def _urgency(pair: Pair) -> tuple[int, date, int]:
    loan, debt = pair
    return (-debt.overdue_days, debt.first_due_on, loan.pk)


def _loan_card(
    loan: Loan, debt: Debt, stage: LoanStage, name: str, cases: Sequence[Case]
) -> AttentionCard:
    """How one loan stands: its stage, what is owed now on it, and the penalty in that."""
    due = debt.due_rows
    ahead, owed = debt.next_due, progress(debt)
    state = next((State(case.state) for case in cases if case.loan_id == loan.pk), None)
    return AttentionCard(
        tone=stage.tone,
        tag=stage.badge,
        note=f"{name} · {owed.words if not owed.is_counted else f'{len(due)} 期未还'}"
        if due
        else name,
        stage=stage,
        title=stage.headline if stage.headline != stage.badge else "",
        amount=debt.due_now if due else (ahead.total if ahead else None),
        amount_field="due-now" if due else "plan-instalment",
        instalment=ahead.number if ahead and not due else None,
        loan_id=loan.public_id,
        penalty=penalty_due([debt]) if due else None,
        url=optional_url("loans:detail" if stage.is_late else "loans:repay", loan.public_id),
        button="去处理" if stage.is_late else stage.button,
        sources=f"{optional_url('loans:detail', loan.public_id)}#amounts",
        text=stage.text_beside_amount,
        pause=sentence_for(state) if state else "",
    )


def _total(active: Sequence[Pair], stages_by_loan: Mapping[int, LoanStage]) -> Total | None:
    """What several loans owe now, as the sum that it is; None where one card says it all."""
    owing = [(loan, debt) for loan, debt in active if stages_by_loan[loan.pk].owed_now]
    if len(active) < 2 or not owing:
        return None
    names = places(active)
    return Total(
        amount=sum((debt.due_now for _, debt in owing), ZERO),
        penalty=penalty_due(debt for _, debt in owing),
        words=" + ".join(f"{names[loan.pk].place} {yuan(debt.due_now)}" for loan, debt in owing),
        penalty_words=" + ".join(
            f"{names[loan.pk].place} {yuan(penalty_due([debt]).amount)}" for loan, debt in owing
        ),
        owing=len(owing),
        count=len(active),
    )


def _loans_cell(
    active: Sequence[Pair], stages_by_loan: Mapping[int, LoanStage], *, settled: bool
) -> LinkRow:
    """The most urgent loan's stage while something is owed, else the next date, or 无待还."""
    owing = [pair for pair in active if stages_by_loan[pair[0].pk].owed_now]
    url = optional_url("loans:home")
    if owing:
        stage = stages_by_loan[min(owing, key=_urgency)[0].pk]
        count = f"{len(owing)} / {len(active)} 笔" if len(active) > 1 else ""
        return LinkRow("借呗", url, "yuan", value=count, tag=stage.badge, tag_tone=stage.tone)
    next_on = min((debt.next_due.due_on for _, debt in active if debt.next_due), default=None)
    value = "已结清" if settled else "无待还"
    if next_on is not None:
        value = f"下期 {near_day(next_on, active[0][1].as_of)}"
    return LinkRow("借呗", url, "yuan", value=value)


def _relief_cell(
    cases: Sequence[Case],
    stages_by_loan: Mapping[int, LoanStage],
    calendar: WorkCalendar,
    now: datetime,
) -> LinkRow:
    """The most urgent case: one that waits for the borrower, one in progress, or how the last one ended."""
    latest = _latest(cases)
    opened = [case for case in latest if State(case.state) in OPEN]
    opened.sort(key=lambda case: (State(case.state) in IN_PLAN, not _asks(case)))
    first = next(iter(opened or latest), None)
    value, tag, tone = "", "", "w"
    if first is None:
        value = "暂无进行中"
    elif State(first.state) in IN_PLAN:
        tag, tone = stages_by_loan[first.loan_id].badge, stages_by_loan[first.loan_id].tone
    elif (State(first.state) in ASKS or State(first.state) in ENDED) and not first.loan.is_settled:
        tag = label(first.state, Role.BORROWER)
    else:
        value = label(first.state, Role.BORROWER) + _days_left(first, calendar, now)
    url = optional_url("relief:cases")
    return LinkRow("减免申请", url, "scale", tone="g", value=value, tag=tag, tag_tone=tone)


def _days_left(case: Case, calendar: WorkCalendar, now: datetime) -> str:
    """· 剩 2 个工作日, while a review is promised."""
    due = case.review_due_at
    if State(case.state) not in REVIEWING or due is None or due <= now:
        return ""
    days = calendar.working_days_between(business_date(now), business_date(due))
    return f" · 剩 {days} 个工作日" if days else " · 今天给出结果"


def _notices_cell() -> LinkRow:
    return LinkRow("消息", optional_url("portal:notices"), "message", badges=True)


def _service_cell(calendar: WorkCalendar, now: datetime) -> LinkRow:
    opens = next_opening(in_shanghai(now), calendar)
    value = "在线 · 9:00–18:00" if opens is None else f"人工 {chinese(opens)} 上线"
    return LinkRow("我的客服", optional_url("relief:service"), "headset", value=value)


def _plan_cells(active: Sequence[Pair], stages_by_loan: Mapping[int, LoanStage]) -> list[LinkRow]:
    """还款计划 of the most urgent loan, named when there are others; nothing without a loan."""
    if not active:
        return []
    loan, debt = min(
        active, key=lambda pair: (not stages_by_loan[pair[0].pk].owed_now, *_urgency(pair))
    )
    url = optional_url("loans:detail", loan.public_id)
    place = f"{places(active)[loan.pk].place} · " if len(active) > 1 else ""
    return [LinkRow("还款计划", url, "calendar", tone="o", value=f"{place}{progress(debt).words}")]


def _settings_cell() -> LinkRow:
    return LinkRow("设置", optional_url("portal:settings"), "settings", tone="n")
