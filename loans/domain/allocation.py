"""How a payment is split over what is owed, in the order the rules fix; refuses more than owed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.domain._checks import (
    check_amount,
    check_date,
    check_flag,
    check_int,
    check_items,
    check_kind,
)
from loans.domain.components import Component, Components, InParts
from loans.domain.penalty.interest import overdue_days
from loans.domain.profile import ProductProfile, check_profile
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import FEN, ZERO

ORDINARY = (
    Component.FEE,
    Component.COMPOUND,
    Component.PENALTY,
    Component.INTEREST,
    Component.PRINCIPAL,
)
PRINCIPAL_FIRST = (
    Component.PRINCIPAL,
    Component.INTEREST,
    Component.COMPOUND,
    Component.PENALTY,
    Component.FEE,
)
PLAN = (
    Component.FEE,
    Component.COMPOUND,
    Component.PENALTY,
    Component.KEPT_PENALTY,
    Component.KEPT_INTEREST,
    Component.INTEREST,
    Component.PRINCIPAL,
)


@dataclass(frozen=True, slots=True)
class InstalmentDue(InParts):
    """What is still owed on one instalment today, per component, in yuan."""

    instalment: int
    due_on: date
    parts: Components

    def __post_init__(self) -> None:
        check_int(self.instalment, "instalment", "期数", 1, 9999)
        check_date(self.due_on, "due_on", "到期日")
        check_kind(self.parts, "parts", "各项欠款", Components)
        for component, amount in self.parts:
            check_amount(amount, component.value, "各项欠款")


@dataclass(frozen=True, slots=True)
class Prepayable:
    """What may be paid ahead today: undue principal, and its interest accrued to today."""

    principal: Decimal
    interest: Decimal = ZERO

    def __post_init__(self) -> None:
        check_amount(self.principal, "prepayable.principal", "未到期本金")
        check_amount(self.interest, "prepayable.interest", "当期已计利息")


@dataclass(frozen=True, slots=True)
class AllocationLine:
    """One component that the payment reduces; instalment None means paid ahead (prepayment)."""

    instalment: int | None
    component: Component
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Allocation:
    """The split; its lines sum to the payment. `remainder` = the part that is prepayment.

    `order` is the rule that was used: ordinary | principal_first | plan.
    """

    lines: tuple[AllocationLine, ...]
    remainder: Decimal
    order: str

    @property
    def parts(self) -> Components:
        """The payment by component, prepayment included."""
        return Components(**{one.value: self.total(one) for one in Component})

    def total(self, component: Component, instalment: int | None = None) -> Decimal:
        """Sum over one component, prepayment included; of one instalment when it is named."""
        return sum(
            (
                line.amount
                for line in self.lines
                if line.component is component
                and (instalment is None or line.instalment == instalment)
            ),
            ZERO,
        )


def payoff(dues: Sequence[InstalmentDue], prepayable: Prepayable | None = None) -> Decimal:
    """The exact yuan that settle everything given: Σ dues + prepayable interest and principal."""
    _check_dues(dues)
    if prepayable is not None:
        check_kind(prepayable, "prepayable", "可提前还的金额", Prepayable)
    ahead = prepayable.principal + prepayable.interest if prepayable else ZERO
    return sum((due.total for due in dues), ahead)


def allocation_order(profile: ProductProfile, dues: Sequence[InstalmentDue], as_of: date) -> str:
    """Give "principal_first" when the oldest unpaid instalment is > npl_days overdue, else "ordinary".

    Rule: loans/RULES.md §5, 90 days ordinary, 91 days principal first.
    """
    check_profile(profile)
    _check_dues(dues)
    check_date(as_of, "as_of", "还款日期")
    oldest = max(
        (overdue_days(profile, due.due_on, as_of) for due in dues if due.total > 0), default=0
    )
    late = profile.npl_principal_first and oldest > profile.npl_days
    return "principal_first" if late else "ordinary"


def allocate(
    profile: ProductProfile,
    amount: Decimal,
    dues: Sequence[InstalmentDue],
    as_of: date,
    *,
    plan: bool = False,
    prepayable: Prepayable | None = None,
) -> Allocation:
    """Split a payment of `amount` yuan made on as_of; penalty in the dues is as of that date.

    Rule (loans/RULES.md §5): up to npl_days overdue, oldest instalment first and inside it fee →
    compound → penalty → interest → principal; from npl_days + 1, principal → interest → compound
    → penalty → fee across the instalments; a plan: kept penalty → kept interest → interest →
    principal (late charges of a plan instalment before them). Dues with due_on > as_of come
    after all that are due; what is left then is prepayment: interest accrued to as_of, then
    principal. Raises InvalidInput (amount; names the pay-off amount when it is exceeded).

    Example: 2100 on 2023-09-20: penalty 64.24, interest 54.00, principal 1981.76 of №1.
    """
    check_profile(profile)
    check_flag(plan, "plan", "是否为新还款计划")
    amount = check_amount(amount, "amount", "还款金额", FEN)
    check_date(as_of, "as_of", "还款日期")
    limit = payoff(dues, prepayable)
    if amount > limit:
        raise InvalidInput(
            "amount", f"还款金额超过全部应还，最多可还 {limit} 元，请改为不超过这个金额。"
        )
    order = "plan" if plan else allocation_order(profile, dues, as_of)
    ordered = sorted(dues, key=lambda due: (due.due_on, due.instalment))
    left = amount
    lines = []
    for due, component in _steps(order, ordered, as_of):
        part = min(left, due.parts[component])
        if part > 0:
            lines.append(AllocationLine(due.instalment, component, part))
            left -= part
        if not left:
            break
    lines.extend(_ahead(left, prepayable))
    return Allocation(tuple(lines), left, order)


def _steps(
    order: str, dues: Sequence[InstalmentDue], as_of: date
) -> Iterator[tuple[InstalmentDue, Component]]:
    if order == "principal_first":
        today = [due for due in dues if due.due_on <= as_of]
        for component in (*PRINCIPAL_FIRST, Component.KEPT_INTEREST, Component.KEPT_PENALTY):
            for due in today:
                yield due, component
        dues = [due for due in dues if due.due_on > as_of]
    within = PLAN if order == "plan" else ORDINARY
    for due in dues:
        for component in within:
            yield due, component
        if order != "plan":
            yield due, Component.KEPT_PENALTY
            yield due, Component.KEPT_INTEREST


def _ahead(left: Decimal, prepayable: Prepayable | None) -> Iterator[AllocationLine]:
    if left <= 0 or prepayable is None:
        return
    interest = min(left, prepayable.interest)
    if interest > 0:
        yield AllocationLine(None, Component.INTEREST, interest)
    if left > interest:
        yield AllocationLine(None, Component.PRINCIPAL, left - interest)


def _check_dues(dues: Sequence[InstalmentDue]) -> None:
    seen: set[tuple[int, date]] = set()
    for due in check_items(dues, "dues", "应还明细", InstalmentDue):
        if (due.instalment, due.due_on) in seen:
            raise InvalidInput("dues", f"第 {due.instalment} 期重复。")
        seen.add((due.instalment, due.due_on))
