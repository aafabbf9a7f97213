"""对账单 on screen: the postings of one event in one row, each of them still there to open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby

from loans.queries.types import Statement, StatementLine
from portal.core.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class BookedEvent:
    """What happened on a day: its postings, what they add up to, and the balance after them."""

    on: date
    what: str
    source: str
    lines: tuple[StatementLine, ...]
    amount: Decimal
    balance: Decimal
    reversed: bool


def events(statement: Statement) -> tuple[BookedEvent, ...]:
    """Σ amounts = closing − opening. A plan that moves twelve instalments is one row of 0.00."""
    booked_events = []
    for _, group in groupby(statement.lines, key=lambda line: line.entry):
        lines = tuple(group)
        first = lines[0]
        booked_events.append(
            BookedEvent(
                on=first.on,
                what=_what(lines),
                source=first.source,
                lines=lines,
                amount=sum((line.amount for line in lines), ZERO),
                balance=lines[-1].balance,
                reversed=first.reversed,
            )
        )
    return tuple(booked_events)


def _what(lines: tuple[StatementLine, ...]) -> str:
    """还款 · 利息、本金 · 第 1 期."""
    first = lines[0]
    accounts = "、".join(dict.fromkeys(line.account_label for line in lines if line.amount))
    if not accounts:  # only said: a write-off, say, moves nothing that is owed
        return first.kind_label
    numbers = {line.instalment for line in lines if line.instalment is not None}
    where = f" · 第 {min(numbers)} 期" if len(numbers) == 1 else ""
    return f"{first.kind_label} · {accounts}{where}"
