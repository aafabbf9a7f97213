"""这笔数怎么来: each amount of a debt as parts that add up to it, from the books."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from loans.domain.components import LABELS
from loans.models import Account, Entry, Schedule
from loans.presenters import wording
from loans.presenters.amounts import FIELDS, figure, parts_of
from loans.presenters.loan import ROW_PARTS
from loans.queries.position import Position
from loans.queries.types import Debt, InstalmentDebt
from portal.core.kernel.money import ZERO

PRINCIPAL_WORDS: dict[str, str] = {
    Entry.Kind.DRAWDOWN: "放款本金",
    Entry.Kind.PAYMENT: "已还本金",
}


KEPT_NOTES = {
    Schedule.Kind.PLAN: "协商协议里没有减免、已经固定的部分，不再增长，随各期一起还。",
    Schedule.Kind.BREACHED: "方案终止时还没有还的部分，连同恢复的减免，已经固定，不再增长，已经到期。",
}


@dataclass(frozen=True, slots=True)
class SumLine:
    """One line of a sum; the amounts of all lines add up to the figure explained."""

    label: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class FigureOrigin:
    """One figure of the page: its mark, its name, its parts and a sentence on how to read them."""

    field: str
    label: str
    amount: Decimal
    parts: tuple[SumLine, ...]
    note: str


ON_PENALTY = frozenset({"penalty", "by_schedule"})  # told by the head and on 还款计划


def origins(
    position: Position, debt: Debt, *, without: frozenset[str] = frozenset()
) -> tuple[FigureOrigin, ...]:
    """Each amount of a debt with the parts it is the sum of: Σ parts = amount, always."""
    hidden = {FIELDS[name] for name in without}
    return tuple(one for one in _all(position, debt) if one.field not in hidden)


def _all(position: Position, debt: Debt) -> list[FigureOrigin]:
    due = [row for row in debt.instalments if row.due_on <= debt.as_of and row.total > 0]
    kept_note = KEPT_NOTES.get(Schedule.Kind(debt.base_kind), KEPT_NOTES[Schedule.Kind.PLAN])
    sums_of = [
        _origin(
            debt,
            "principal",
            _principal(position, debt),
            "借出的本金减去已还的本金，到期和未到期的都在内；每一笔都列在对账单里。",
        ),
        _origin(
            debt,
            "interest",
            tuple(SumLine(_interest_words(row), row.interest) for row in due if row.interest),
            "只含已到期各期的利息，按合同利率计算；未到期的利息不在内。",
        ),
        _origin(
            debt,
            "penalty",
            _by_row(debt, "penalty"),
            "逾期的本金按罚息利率每天产生，已还和已减免的不在内；每一期的算式列在查看罚息里。",
        ),
    ]
    if debt.compound:
        compound = _by_row(debt, "compound")
        sums_of.append(_origin(debt, "compound", compound, "逾期的利息按罚息利率产生，按天计算。"))
    if debt.fee:
        sums_of.append(_origin(debt, "fee", _by_row(debt, "fee"), "合同约定的逾期费用。"))
    for name in ("kept_interest", "kept_penalty"):
        if getattr(debt, name):
            sums_of.append(_origin(debt, name, _by_row(debt, name), kept_note))
    if debt.kept_penalty and debt.penalty:
        sums = tuple(_part(debt, name) for name in ("kept_penalty", "penalty"))
        note = "保留罚息已经固定，不再增长；罚息还在按天产生。两项相加就是全部罚息。"
        sums_of.append(_origin(debt, "penalty_all", sums, note))
    total = tuple(SumLine(part.word, part.amount) for part in parts_of([debt]) if part.amount)
    sums_of.append(_origin(debt, "total", total, "到今天为止的全部欠款，不含还没有到期的利息。"))
    if debt.accrued_interest:
        running = (SumLine("从上一个到期日算到今天的利息", debt.accrued_interest),)
        sums_of.append(
            _origin(debt, "accrued_interest", running, "本期已经产生的利息，到期日才需要还。")
        )
    payoff = tuple(_part(debt, name) for name in ("total", "accrued_interest"))
    sums_of.append(
        _origin(
            debt,
            "payoff",
            tuple(part for part in payoff if part.amount),
            "今天一次还清需要的金额，还清后这笔借款结清。",
        )
    )
    sums_of.append(
        _origin(
            debt,
            "due_now",
            _due_now(debt, due),
            "所有已到期、未还清的期次，连同各期到今天为止的罚息。",
        )
    )
    ahead = debt.by_schedule - debt.total
    parts_left = (_part(debt, "total"), SumLine("以后各期到期才产生的利息", ahead))
    sums_of.append(
        _origin(
            debt,
            "by_schedule",
            tuple(part for part in parts_left if part.amount),
            "每一期都按日期还，一直还到最后一期，还要还的金额。",
        )
    )
    return sums_of


def _origin(debt: Debt, name: str, parts: tuple[SumLine, ...], note: str) -> FigureOrigin:
    one = figure(debt, name)
    return FigureOrigin(one.field, one.word, one.amount, parts, note)


def _part(debt: Debt, name: str) -> SumLine:
    one = figure(debt, name)
    return SumLine(one.word, one.amount)


def _by_row(debt: Debt, name: str) -> tuple[SumLine, ...]:
    """The instalments' shares of a column, each with its date."""
    return tuple(
        SumLine(f"第 {row.number} 期，{wording.full_day(row.due_on)}到期", getattr(row, name))
        for row in debt.instalments
        if getattr(row, name)
    )


def _principal(position: Position, debt: Debt) -> tuple[SumLine, ...]:
    """The postings to principal up to the day, summed by what happened."""
    sums: dict[str, Decimal] = {}
    for moves in position.moves.values():
        for move in moves:
            if move.account == Account.PRINCIPAL and move.on <= debt.as_of:
                sums[move.kind] = sums.get(move.kind, ZERO) + move.amount
    kind_words = dict(Entry.Kind.choices) | PRINCIPAL_WORDS
    return tuple(SumLine(f"{kind_words[kind]}", amount) for kind, amount in sums.items() if amount)


def _interest_words(row: InstalmentDebt) -> str:
    text = f"第 {row.number} 期，{wording.full_day(row.due_on)}到期"
    settled = row.scheduled_interest - row.interest
    if settled:
        text += (
            f"（应计 {wording.yuan(row.scheduled_interest)}，已还或减免 {wording.yuan(settled)}）"
        )
    return text


def _due_now(debt: Debt, due: Iterable[InstalmentDebt]) -> tuple[SumLine, ...]:
    parts = [SumLine(f"第 {row.number} 期：{_columns(row)}", row.total) for row in due]
    ahead = debt.due_now - sum((part.amount for part in parts), ZERO)
    if ahead:
        parts.append(SumLine("未到期本金上的罚息", ahead))
    return tuple(parts)


def _columns(row: InstalmentDebt) -> str:
    columns = ((LABELS[one], row.parts[one]) for one in ROW_PARTS)
    return " + ".join(f"{name} {wording.yuan(amount)}" for name, amount in columns if amount)
