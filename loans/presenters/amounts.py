"""The vocabulary of amounts: each figure of a debt with its one name, mark and word on screen.

``penalty`` and ``interest`` are what has fallen due and is owed now; the ``kept_`` columns are what
an agreement (or its breach) has fixed, which no longer grows and is paid with the instalments;
``accrued_interest`` has run up and is not yet due. total = all of them but the last; payoff =
total + accrued_interest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from loans.domain.components import ACCRUED, LABELS, OF_A_LOAN, Component, Components
from loans.presenters import wording
from loans.queries.types import Debt
from portal.core.kernel.money import ZERO

WORDS: dict[str, str] = {
    **{component.value: word for component, word in OF_A_LOAN.items()},
    "accrued_interest": ACCRUED,
    "total": "总待还",
    "payoff": "今天结清",
    "due_now": "本期应还",
    "penalty_all": "罚息合计",
    "penalty_due": "本期罚息合计",
    "kept_penalty_due": "本期保留罚息",
    "interest_all": "利息合计",
    "by_schedule": "剩余应还",
}
FIELDS: dict[str, str] = {
    "principal": "principal-outstanding",
    "interest": "interest-outstanding",
    "penalty": "penalty-total",
    "compound": "compound-total",
    "fee": "fee-total",
    "kept_interest": "kept-interest",
    "kept_penalty": "kept-penalty",
    "accrued_interest": "accrued-interest",
    "total": "total-due",
    "payoff": "payoff",
    "due_now": "due-now",
    "penalty_all": "penalty-all",
    "penalty_due": "penalty-due",
    "by_schedule": "plan-total",
}
TOTAL_PARTS = tuple(component.value for component in Component)
ALWAYS = frozenset({"principal", "interest", "penalty"})  # shown though they are nothing


@dataclass(frozen=True, slots=True)
class Figure:
    """One amount of a debt (yuan) under its word and mark."""

    name: str
    amount: Decimal

    @property
    def word(self) -> str:
        return WORDS[self.name]

    @property
    def field(self) -> str:
        return FIELDS[self.name]

    @property
    def all_field(self) -> str:
        """The mark of the same amount summed over several loans."""
        return f"all-{self.field}"


def figure(debt: Debt, name: str) -> Figure:
    """One amount of a debt by its name."""
    return Figure(name, getattr(debt, name))


def parts_of(debts: Iterable[Debt], names: Iterable[str] = TOTAL_PARTS) -> tuple[Figure, ...]:
    """The parts of 总待还 of one loan or of several: Σ parts = total; empty columns are left out."""
    owed = list(debts)
    sums = [Figure(name, sum((getattr(debt, name) for debt in owed), ZERO)) for name in names]
    return tuple(part for part in sums if part.amount or part.name in ALWAYS)


def desk_parts(debt: Debt) -> tuple[Figure, ...]:
    """The debt as staff read it: 总待还 with its parts, then 今天结清 with what it adds, then 本期应还."""
    more = ("accrued_interest", "payoff") if debt.accrued_interest else ()
    names = ("total", *more, "due_now")
    return (*parts_of([debt]), *(figure(debt, name) for name in names))


def sum_words(parts: Iterable[Figure]) -> str:
    """剩余本金 11,356.66 + 已到期利息 0.00 + 罚息 22.00, as far as there is anything."""
    return " + ".join(f"{part.word} {wording.yuan(part.amount)}" for part in parts if part.amount)


@dataclass(frozen=True, slots=True)
class PenaltyAll:
    """罚息合计 with its two parts; only where there is something in both."""

    kept: Decimal
    running: Decimal

    @property
    def amount(self) -> Decimal:
        return self.kept + self.running

    @property
    def words(self) -> str:
        """132.57 = 110.57 + 22.00."""
        return (
            f"{wording.yuan(self.amount)} = {WORDS['kept_penalty']} {wording.yuan(self.kept)}"
            f" + {WORDS['penalty']} {wording.yuan(self.running)}"
        )


def penalty_all(debt: Debt) -> PenaltyAll | None:
    """The sum of kept and running penalty; None where one of them, under its own word, is all."""
    if debt.kept_penalty and debt.penalty:
        return PenaltyAll(debt.kept_penalty, debt.penalty)
    return None


def penalty_owed(debt: Debt) -> Figure:
    """All penalty under the word that fits: 罚息, 保留罚息 where nothing runs, or 罚息合计 of both."""
    if not debt.kept_penalty:
        return figure(debt, "penalty")
    return figure(debt, "penalty_all" if debt.penalty else "kept_penalty")


@dataclass(frozen=True, slots=True)
class PenaltyDue:
    """The penalty that is in 本期应还 (yuan), under the word that fits and a mark of that sum."""

    kept: Decimal  # of the instalments that are due; the plan may have kept more for later ones
    running: Decimal

    @property
    def amount(self) -> Decimal:
        return self.kept + self.running

    @property
    def word(self) -> str:
        """罚息, 本期保留罚息 where nothing runs, or 本期罚息合计 of both."""
        if not self.kept:
            return WORDS["penalty"]
        return WORDS["penalty_due" if self.running else "kept_penalty_due"]

    @property
    def field(self) -> str:
        return FIELDS["penalty_due" if self.kept else "penalty"]

    @property
    def all_field(self) -> str:
        """The mark of the same amount summed over several loans."""
        return f"all-{self.field}"


def penalty_due(debts: Iterable[Debt]) -> PenaltyDue:
    """What of 本期应还 of one loan or of several is penalty: what runs, and what is kept in the rows due."""
    owed = list(debts)
    return PenaltyDue(
        kept=sum((row.kept_penalty for debt in owed for row in debt.due_rows), ZERO),
        running=sum((debt.penalty for debt in owed), ZERO),
    )


PENALTY_PARTS = (Component.PENALTY, Component.COMPOUND, Component.KEPT_PENALTY)
INTEREST_PARTS = (Component.INTEREST, Component.KEPT_INTEREST)


@dataclass(frozen=True, slots=True)
class ColumnSum:
    """Interest or penalty in one line of a split or a table: what it is called, and of what it is.

    One part alone has its own word and no sum; several are 合计 with the parts in ``parts``.
    """

    word: str
    amount: Decimal
    parts: str


def penalty_column(amounts: Components) -> ColumnSum:
    """罚息 3.26, 保留罚息 1.47, or 罚息合计 3.26 with 罚息 1.79 + 保留罚息 1.47."""
    return _column(amounts, PENALTY_PARTS, WORDS["penalty_all"])


def interest_column(amounts: Components, ahead: Decimal | None = None) -> ColumnSum:
    """利息 54.00, 保留利息 27.55, or 利息合计 with both.

    With ``ahead``, what of the interest is not yet due: 已到期利息 and 未到期利息 under their own words.
    """
    whole = WORDS["interest_all"]
    if ahead is None:
        return _column(amounts, INTEREST_PARTS, whole)
    return _summed(
        (
            (WORDS["interest"], amounts.interest - ahead),
            (WORDS["accrued_interest"], ahead),
            (WORDS["kept_interest"], amounts.kept_interest),
        ),
        whole,
    )


def _column(amounts: Components, names: Sequence[Component], whole: str) -> ColumnSum:
    return _summed([(LABELS[name], amounts[name]) for name in names], whole)


def _summed(parts: Sequence[tuple[str, Decimal]], whole: str) -> ColumnSum:
    present = [(word, amount) for word, amount in parts if amount]
    total = sum((amount for _, amount in present), ZERO)
    if len(present) < 2:
        return ColumnSum(present[0][0] if present else parts[0][0], total, "")
    return ColumnSum(
        whole, total, " + ".join(f"{word} {wording.yuan(amount)}" for word, amount in present)
    )
