"""这个数从哪来: each amount in the head of 查看罚息 as parts that add up to it, from the books."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from loans.models import Account, Entry
from loans.presenters import wording
from loans.queries.position import Position
from loans.queries.types import Debt, InstalmentDebt
from portal.core.kernel.money import ZERO

PRINCIPAL_WORDS: dict[str, str] = {
    Entry.Kind.DRAWDOWN: "放款本金",
    Entry.Kind.PAYMENT: "已还本金",
}


KEPT = (  # the columns an agreement splits over its plan: field of the debt, name, note
    (
        "kept_interest",
        "分摊到各期的利息",
        "协商协议生效前已经产生的利息，已固定，不再计息，随各期一起还。",
    ),
    (
        "kept_penalty",
        "保留的罚息",
        "协商协议里没有减免的罚息，已固定，不再增长，随各期一起还。",
    ),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One line of a sum; the amounts of all lines add up to the figure explained."""

    label: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Origin:
    """One figure of the page: its mark, its name, its parts and a sentence on how to read them."""

    field: str
    label: str
    amount: Decimal
    parts: tuple[Part, ...]
    note: str


def origins(position: Position, debt: Debt) -> tuple[Origin, ...]:
    """剩余本金, 已到期利息, 本期应还 and what an agreement kept of interest and penalty."""
    due = [row for row in debt.instalments if row.due_on <= debt.as_of and row.total > 0]
    found = [
        Origin(
            "principal-outstanding",
            "剩余本金",
            debt.principal,
            _principal(position, debt),
            "借出的本金减去已还的本金，到期和未到期的都在内；每一笔都列在对账单里。",
        ),
        Origin(
            "interest-outstanding",
            "已到期利息",
            debt.interest,
            tuple(Part(_interest_words(row), row.interest) for row in due if row.interest),
            "只含已到期各期的利息，按合同利率计算；未到期的利息不在内。",
        ),
        Origin(
            "due-now",
            "本期应还（含罚息）",
            debt.due_now,
            _due_now(debt, due),
            "所有已到期、未还清的期次，连同各期到今天为止的罚息。",
        ),
    ]
    for field, label, note in KEPT:
        amount: Decimal = getattr(debt, field)
        if amount:
            rows = [(row.number, getattr(row, field)) for row in debt.instalments]
            parts = tuple(Part(f"第 {number} 期", kept) for number, kept in rows if kept)
            found.append(Origin(field.replace("_", "-"), label, amount, parts, note))
    return tuple(found)


def _principal(position: Position, debt: Debt) -> tuple[Part, ...]:
    """The postings to principal up to the day, summed by what happened."""
    sums: dict[str, Decimal] = {}
    for moves in position.moves.values():
        for move in moves:
            if move.account == Account.PRINCIPAL and move.on <= debt.as_of:
                sums[move.kind] = sums.get(move.kind, ZERO) + move.amount
    words = dict(Entry.Kind.choices) | PRINCIPAL_WORDS
    return tuple(Part(f"{words[kind]}", amount) for kind, amount in sums.items() if amount)


def _interest_words(row: InstalmentDebt) -> str:
    text = f"第 {row.number} 期，{wording.full_day(row.due_on)}到期"
    settled = row.scheduled_interest - row.interest
    if settled:
        text += (
            f"（应计 {wording.yuan(row.scheduled_interest)}，已还或减免 {wording.yuan(settled)}）"
        )
    return text


def _due_now(debt: Debt, due: Iterable[InstalmentDebt]) -> tuple[Part, ...]:
    parts = [Part(f"第 {row.number} 期：{_columns(row)}", row.total) for row in due]
    ahead = debt.due_now - sum((part.amount for part in parts), ZERO)
    if ahead:
        parts.append(Part("未到期本金上的罚息", ahead))
    return tuple(parts)


def _columns(row: InstalmentDebt) -> str:
    columns = (
        ("本金", row.principal),
        ("利息", row.interest),
        ("罚息", row.penalty),
        ("复利", row.compound),
        ("费用", row.fee),
        ("分摊的利息", row.kept_interest),
        ("保留的罚息", row.kept_penalty),
    )
    return " + ".join(f"{name} {wording.yuan(amount)}" for name, amount in columns if amount)
