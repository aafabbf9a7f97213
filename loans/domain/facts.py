"""What happened to a loan, as the rules see it: instalments, payments, pauses; nothing derived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from loans.domain._checks import (
    check_choice,
    check_date,
    check_fen,
    check_int,
    check_items,
    check_text,
)
from loans.domain.components import LABELS, Component
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import FEN, ZERO

_KINDS = ("payment", "waiver", "adjustment")


@dataclass(frozen=True, slots=True)
class PaymentFact:
    """Money (or a waiver) that reduced one component of one instalment on one business date.

    Only `principal` and `interest` change a penalty; the other components may be listed and are
    ignored. A reversed payment is left out by the caller; a back-dated one carries its own date.
    `fen` is `amount` in whole fen, found while it is checked.
    """

    on: date
    component: Component
    amount: Decimal
    kind: str = "payment"
    fen: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_date(self.on, "payments.on", "还款日期")
        fen = check_fen(self.amount, "payments.amount", "还款金额", FEN)
        object.__setattr__(self, "fen", fen)
        if not isinstance(self.component, Component):
            chosen = check_choice(self.component, "payments.component", "还款的组成部分", Component)
            object.__setattr__(self, "component", chosen)
        if self.kind not in _KINDS:
            raise InvalidInput("payments.kind", "还款类型应为 payment、waiver 或 adjustment。")


@dataclass(frozen=True, slots=True)
class Pause:
    """Days [from_on, to_on) in which no penalty accrues, with the reason that is shown."""

    from_on: date
    to_on: date
    reason: str

    def __post_init__(self) -> None:
        check_date(self.from_on, "pauses.from_on", "暂停起日")
        check_date(self.to_on, "pauses.to_on", "暂停止日")
        check_text(self.reason, "pauses.reason", "暂停原因")
        if self.to_on <= self.from_on:
            raise InvalidInput("pauses.to_on", "暂停计收罚息的止日应晚于起日。")


@dataclass(frozen=True, slots=True)
class InstalmentFacts:
    """One instalment and everything paid on it; amounts in yuan as scheduled, not what is left.

    `penalty_from`: the date the penalty counts from instead of `due_on` (breach, acceleration:
    never back-dated). `closed_on`: the date the instalment stopped bearing penalty because its
    principal moved to another schedule (a plan, an acceleration); penalty until then stays.
    `opened_on`: the date its schedule came into force (None: from the start), so that the base
    all_outstanding never counts principal of a superseded and of a new schedule together.
    `principal_fen` and `interest_fen` are the amounts in whole fen, found while they are checked.
    """

    number: int
    due_on: date
    principal: Decimal
    interest: Decimal = ZERO
    payments: tuple[PaymentFact, ...] = ()
    penalty_from: date | None = None
    closed_on: date | None = None
    opened_on: date | None = None
    principal_fen: int = field(init=False, repr=False, compare=False)
    interest_fen: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_int(self.number, "number", "期数", 1, 9999)
        check_date(self.due_on, "due_on", "到期日")
        object.__setattr__(self, "principal_fen", check_fen(self.principal, "principal", "本金"))
        object.__setattr__(self, "interest_fen", check_fen(self.interest, "interest", "利息"))
        if self.penalty_from is not None:
            check_date(self.penalty_from, "penalty_from", "罚息起算日")
        if self.closed_on is not None:
            check_date(self.closed_on, "closed_on", "结转日")
        if self.opened_on is not None:
            check_date(self.opened_on, "opened_on", "启用日")
        if self.penalty_from is not None and self.penalty_from < self.due_on:
            raise InvalidInput("penalty_from", "罚息起算日不能早于到期日。")
        if self.payments != ():
            self._check_payments()

    def _check_payments(self) -> None:
        check_items(self.payments, "payments", "还款", PaymentFact)
        for component, scheduled, scheduled_fen in (
            (Component.PRINCIPAL, self.principal, self.principal_fen),
            (Component.INTEREST, self.interest, self.interest_fen),
        ):
            fen = sum([p.fen for p in self.payments if p.component == component])
            if fen > scheduled_fen:
                label, paid = LABELS[component], fen * FEN
                raise InvalidInput(
                    "payments", f"第 {self.number} 期已还{label} {paid} 元超过应还 {scheduled} 元。"
                )


def check_facts(facts: Sequence[InstalmentFacts], pauses: Sequence[Pause] = ()) -> None:
    """A list or tuple of InstalmentFacts, and one of Pause."""
    check_items(facts, "facts", "各期情况", InstalmentFacts)
    check_items(pauses, "pauses", "暂停计收的日期", Pause)
