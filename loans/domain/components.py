"""What a borrower owes, part by part: one word per part, and one value that holds all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from portal.core.kernel.money import ZERO, require_money


class Component(StrEnum):
    """One part of a debt, in the order in which parts are listed everywhere.

    `kept_*` exist only in a plan, or after its breach, and never bear interest.
    """

    PRINCIPAL = "principal"
    INTEREST = "interest"
    PENALTY = "penalty"
    COMPOUND = "compound"
    FEE = "fee"
    KEPT_INTEREST = "kept_interest"
    KEPT_PENALTY = "kept_penalty"

    @property
    def waiver(self) -> str:
        """The name of the term that waives it: waive_penalty."""
        return f"waive_{self.value}"


LABELS: dict[Component, str] = {
    Component.PRINCIPAL: "本金",
    Component.INTEREST: "利息",
    Component.PENALTY: "罚息",
    Component.COMPOUND: "复利",
    Component.FEE: "费用",
    Component.KEPT_INTEREST: "保留利息",
    Component.KEPT_PENALTY: "保留罚息",
}
OF_A_LOAN = LABELS | {Component.PRINCIPAL: "剩余本金", Component.INTEREST: "已到期利息"}
ACCRUED = "未到期利息"  # of a whole loan besides: what has run up since the last due date
WAIVABLE = (Component.PENALTY, Component.INTEREST, Component.COMPOUND, Component.FEE)
_ALL = tuple((component, component.value) for component in Component)
_NAMES = frozenset(name for _, name in _ALL)


@dataclass(frozen=True, slots=True)
class Components:
    """An amount of yuan for each component, exact to the fen; a difference may be negative.

    Adds and subtracts part by part, is iterated as (component, amount) in the order of Component,
    read by name (`parts["penalty"]`), and is false when every part is nothing. A float, or
    anything finer than a fen, is refused with InvalidInput naming the component.
    """

    principal: Decimal = ZERO
    interest: Decimal = ZERO
    penalty: Decimal = ZERO
    compound: Decimal = ZERO
    fee: Decimal = ZERO
    kept_interest: Decimal = ZERO
    kept_penalty: Decimal = ZERO

    def __post_init__(self) -> None:
        for _, name in _ALL:
            amount = getattr(self, name)
            if amount is not ZERO:
                object.__setattr__(self, name, require_money(amount, name))

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Components:
        """The reverse of `as_json`: a part that is not stored is 0.00, other names are ignored."""
        amounts = {name: stored[name] for _, name in _ALL if name in stored}
        return cls(**{k: Decimal(v) if isinstance(v, str) else v for k, v in amounts.items()})

    @classmethod
    def waived_by(cls, terms: Mapping[str, Any]) -> Components:
        """The waivers of stored terms (`waive_penalty`: "96.90"); nothing where none is named."""
        return cls.from_json({c.value: terms.get(c.waiver, ZERO) for c in WAIVABLE})

    def as_json(self) -> dict[str, str]:
        """Every part as text: {"principal": "1981.76", …}."""
        return {component.value: str(amount) for component, amount in self}

    @classmethod
    def summed(cls, several: Iterable[Components]) -> Components:
        """The sum of any number of them, none included."""
        several_components = list(several)
        return cls(
            *(sum((getattr(one, name) for one in several_components), ZERO) for _, name in _ALL)
        )

    @property
    def total(self) -> Decimal:
        """Sum of all parts."""
        return sum((getattr(self, name) for _, name in _ALL), ZERO)

    @property
    def with_kept_joined(self) -> Components:
        """The kept columns added to their kind: interest 9.00 and 2.00 kept are interest 11.00."""
        return Components(
            principal=self.principal,
            interest=self.interest + self.kept_interest,
            penalty=self.penalty + self.kept_penalty,
            compound=self.compound,
            fee=self.fee,
        )

    @property
    def charges(self) -> Decimal:
        """All that lateness has cost: penalty, kept or running, with compound and fee."""
        return self.penalty + self.kept_penalty + self.compound + self.fee

    def __getitem__(self, name: str) -> Decimal:
        """One part by its name, a Component or the account of that name; else KeyError."""
        plain = str(name)
        if plain not in _NAMES:
            raise KeyError(name)
        amount: Decimal = getattr(self, plain)
        return amount

    def __iter__(self) -> Iterator[tuple[Component, Decimal]]:
        return ((component, getattr(self, name)) for component, name in _ALL)

    def __bool__(self) -> bool:
        return any(amount for _, amount in self)

    def __add__(self, other: Components) -> Components:
        if not isinstance(other, Components):
            return NotImplemented
        return Components(*(amount + other[name] for name, amount in self))

    def __sub__(self, other: Components) -> Components:
        if not isinstance(other, Components):
            return NotImplemented
        return Components(*(amount - other[name] for name, amount in self))


class WithWaivers:
    """Lets terms that hold an amount for each `waive_…` be read by component, in yuan."""

    __slots__ = ()

    @property
    def waivers(self) -> Components:
        """What is waived of each component."""
        return Components(**{c.value: getattr(self, c.waiver) for c in WAIVABLE})

    @property
    def waived(self) -> Decimal:
        """Sum of the waivers."""
        return self.waivers.total


class InParts:
    """Lets what holds its `parts` be read by their names: a debt, an instalment, a split."""

    __slots__ = ()
    parts: Components

    @property
    def principal(self) -> Decimal:
        return self.parts.principal

    @property
    def interest(self) -> Decimal:
        return self.parts.interest

    @property
    def penalty(self) -> Decimal:
        return self.parts.penalty

    @property
    def compound(self) -> Decimal:
        return self.parts.compound

    @property
    def fee(self) -> Decimal:
        return self.parts.fee

    @property
    def kept_interest(self) -> Decimal:
        return self.parts.kept_interest

    @property
    def kept_penalty(self) -> Decimal:
        return self.parts.kept_penalty

    @property
    def total(self) -> Decimal:
        """Sum of all parts."""
        return self.parts.total
