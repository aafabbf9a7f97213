"""How a payment falls on a loan's books: the split that is shown before paying and then posted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from loans.domain.allocation import Allocation, InstalmentDue, Prepayable, allocate
from loans.domain.components import LABELS, Component, Components, InParts
from loans.domain.schedule import ScheduledInstalment, recompute_schedule, residual_of
from loans.models import Account, Instalment, Payment
from loans.queries.debt import debt_of
from loans.queries.position import Position
from loans.queries.types import Debt
from loans.services.refusals import refusing
from portal.core.errors import RuleViolation
from portal.core.kernel.money import ZERO

ORDER_TEXT = {
    "ordinary": "先还最早一期：罚息 → 利息 → 本金",
    "principal_first": "逾期超过 {npl_days} 天：先还本金，再还利息和罚息",
    "plan": "新还款计划：从最早一期起，罚息 → 保留罚息 → 保留利息 → 利息 → 本金",
    "prepayment": "没有逾期：先还到今天的利息，再提前归还本金",
    "credit": "没有欠款：全部记为溢缴款",
}


@dataclass(frozen=True, slots=True)
class SplitLine:
    """One component of one instalment that a payment reduces; None = paid ahead."""

    instalment: int | None
    component: str
    label: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class SplitPreview(InParts):
    """What a payment would do, in yuan; lines and parts both add up to ``amount`` less ``excess``."""

    amount: Decimal
    on: date
    kind: str
    order: str
    order_text: str
    lines: tuple[SplitLine, ...]
    parts: Components
    prepaid_principal: Decimal
    payoff: Decimal
    remaining: Decimal
    settles: bool
    new_rows: tuple[ScheduledInstalment, ...]
    excess: Decimal  # beyond all that was owed: a credit balance

    def as_json(self) -> dict[str, Any]:
        """What a receipt stores."""
        return {
            "order": self.order,
            "order_text": self.order_text,
            "lines": [
                {
                    "instalment": line.instalment,
                    "component": line.component,
                    "label": line.label,
                    "amount": str(line.amount),
                }
                for line in self.lines
            ],
            "totals": self.parts.as_json(),
            "prepaid_principal": str(self.prepaid_principal),
            "remaining": str(self.remaining),
            "credit": str(self.excess),
        }


@dataclass(frozen=True, slots=True)
class Split:
    """The allocation on the books, with the schedule that a prepayment leads to."""

    debt: Debt
    allocation: Allocation
    undue: tuple[Instalment, ...]
    new_rows: tuple[ScheduledInstalment, ...] = ()
    excess: Decimal = ZERO
    npl_days: int = 0  # beyond which principal is paid first, as the borrower reads it

    @property
    def ahead_interest(self) -> Decimal:
        return self._ahead(Component.INTEREST)

    @property
    def ahead_principal(self) -> Decimal:
        return self._ahead(Component.PRINCIPAL)

    def _ahead(self, component: Component) -> Decimal:
        lines = self.allocation.lines
        return sum(
            (x.amount for x in lines if x.instalment is None and x.component == component), ZERO
        )


def split_payment(
    position: Position, amount: Decimal, on: date, *, keep_excess: bool = False
) -> Split:
    """Split a payment of ``amount`` yuan on ``on``; RuleViolation above the pay-off, naming it.

    With ``keep_excess`` what is above the pay-off becomes a credit balance instead.
    Example (loans/RULES.md §5): 2,100 on 2023-09-20 → penalty 64.24, interest 54.00,
    principal 1,981.76 of №1.
    """
    debt = debt_of(position, on)
    excess = max(amount - debt.payoff, ZERO)
    if excess and not keep_excess:
        raise RuleViolation(
            f"还款金额超过全部应还。结清这笔借款需要 {debt.payoff:,.2f} 元，"
            f"请改为不超过 {debt.payoff:,.2f} 元。",
            code="OVER_PAYOFF",
            field="amount",
        )
    free = debt.is_plan and not position.interest_profile(on).rate
    dues, prepayable = _dues(debt, ahead_by_row=free)
    if excess == amount:
        return Split(debt, Allocation((), ZERO, "credit"), (), excess=excess)
    with refusing():
        allocation = allocate(
            position.profile, amount - excess, dues, on, plan=debt.is_plan, prepayable=prepayable
        )
    split = Split(
        debt,
        allocation,
        tuple(position.undue(on)),
        excess=excess,
        npl_days=position.profile.npl_days,
    )
    return replace(split, new_rows=_recomputed(position, split, on))


def _dues(debt: Debt, *, ahead_by_row: bool) -> tuple[list[InstalmentDue], Prepayable | None]:
    """Due rows whole; rows to come whole in a zero-rate plan, else without principal and interest.

    (A row to come owes kept columns in a plan, and penalty when the base is all_outstanding.)
    """
    dues: list[InstalmentDue] = []
    ahead = ZERO
    for row in debt.instalments:
        if row.due_on <= debt.as_of or ahead_by_row:
            dues.append(InstalmentDue(row.number, row.due_on, row.parts))
        else:
            ahead += row.principal
            parts = replace(row.parts, principal=ZERO, interest=ZERO)
            dues.append(InstalmentDue(row.number, row.due_on, parts))
    if ahead == 0 and debt.accrued_interest == 0:
        return dues, None
    return dues, Prepayable(principal=ahead, interest=debt.accrued_interest)


def _recomputed(position: Position, split: Split, on: date) -> tuple[ScheduledInstalment, ...]:
    """The rows after a prepayment of principal: the same dates, smaller instalments."""
    if not split.ahead_principal:
        return ()
    owed = sum((position.balance(row.pk, Account.PRINCIPAL) for row in split.undue), ZERO)
    if owed == split.ahead_principal:
        return ()
    profile = position.interest_profile(on)
    with refusing():
        return recompute_schedule(
            profile,
            balance=owed - split.ahead_principal,
            from_on=on,
            due_dates=[row.due_on for row in split.undue],
            first_number=split.undue[0].number,
            residual=residual_of(profile, position.loan.principal),
        )


def preview_of(split: Split) -> SplitPreview:
    """The split as the cashier and the receipt show it."""
    debt, allocation = split.debt, split.allocation
    allocated = sum((line.amount for line in allocation.lines), ZERO)
    settles = allocated == debt.payoff and allocated > ZERO
    kind = Payment.Kind.PREPAYMENT if split.ahead_principal else Payment.Kind.REGULAR
    lines = allocation.lines
    only_ahead = bool(lines) and all(line.instalment is None for line in lines)
    order = "prepayment" if only_ahead else allocation.order
    return SplitPreview(
        amount=allocated + split.excess,
        on=debt.as_of,
        kind=(Payment.Kind.PAYOFF if settles else kind).value,
        order=order,
        order_text=ORDER_TEXT[order].format(npl_days=split.npl_days),
        lines=tuple(
            SplitLine(x.instalment, x.component.value, LABELS[x.component], x.amount)
            for x in allocation.lines
        ),
        parts=allocation.parts,
        prepaid_principal=split.ahead_principal,
        payoff=debt.payoff,
        remaining=debt.payoff - allocated,
        settles=settles,
        new_rows=split.new_rows,
        excess=split.excess,
    )
