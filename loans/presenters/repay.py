"""收银台 and 还款结果: where the money goes, before and after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from loans.domain.components import Component, Components
from loans.models import Payment
from loans.pages.forms import CUSTOM, DUE, NEXT, PAYOFF
from loans.presenters import wording
from loans.presenters.amounts import interest_column, penalty_column
from loans.queries.stage import LoanStage, numbers_of
from loans.queries.types import Debt, InstalmentDebt
from loans.services.payments.splitting import SplitPreview
from portal.core.charts import Share, ShareBar, share_bar
from portal.core.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class InstalmentShare:
    """What one instalment gets, and what is left to pay on it."""

    title: str
    paid: Decimal
    left: Decimal
    still_overdue: bool


@dataclass(frozen=True, slots=True)
class CashierPreview:
    """The split shown before paying."""

    amount: Decimal
    order_text: str
    bar: ShareBar
    shares: tuple[InstalmentShare, ...]
    remaining: Decimal
    settles: bool
    prepaid: Decimal
    new_rows: tuple[Any, ...]
    after: str


def preview_view(preview: SplitPreview, debt: Debt) -> CashierPreview:
    """The service's own preview in words."""
    shares = _shares(preview, debt)
    return CashierPreview(
        amount=preview.amount,
        order_text=preview.order_text,
        bar=_bar(preview, debt),
        shares=shares,
        remaining=preview.remaining,
        settles=preview.settles,
        prepaid=preview.prepaid_principal,
        new_rows=preview.new_rows,
        after=_after(preview, shares, debt),
    )


def _bar(preview: SplitPreview, debt: Debt) -> ShareBar:
    principal_left = debt.principal - preview.principal
    penalty = penalty_column(preview.parts)
    interest = interest_column(preview.parts, _interest_ahead(preview, debt))
    parts = [
        Share("a", penalty.word, penalty.amount, "split-penalty", penalty.parts),
        Share("b", interest.word, interest.amount, "split-interest", interest.parts),
        Share(
            "c",
            "本金",
            preview.principal,
            "split-principal",
            f"还后剩余本金 {wording.yuan(principal_left)}",
        ),
    ]
    if preview.fee:
        parts.append(Share("d", "费用", preview.fee, "split-fee"))
    return share_bar(parts)


def _interest_ahead(preview: SplitPreview, debt: Debt) -> Decimal:
    """The interest that is paid before it is due."""
    due = {row.number for row in debt.due_rows}
    return sum(
        (
            line.amount
            for line in preview.lines
            if line.component == Component.INTEREST and line.instalment not in due
        ),
        ZERO,
    )


def _shares(preview: SplitPreview, debt: Debt) -> tuple[InstalmentShare, ...]:
    sums: dict[int | None, Decimal] = defaultdict(lambda: ZERO)
    for line in preview.lines:
        sums[line.instalment] += line.amount
    shares = [
        _share(row, sums[row.number])
        for row in debt.instalments
        if sums.get(row.number) or (row.is_due and row.total > 0)
    ]
    if sums.get(None):
        shares.append(InstalmentShare("提前还款", sums[None], ZERO, still_overdue=False))
    return tuple(shares)


def _share(row: InstalmentDebt, paid: Decimal) -> InstalmentShare:
    unpaid = row.total - paid
    return InstalmentShare(
        f"第 {row.number} 期", paid, unpaid, still_overdue=unpaid > 0 and row.overdue_days > 0
    )


def _after(preview: SplitPreview, shares: tuple[InstalmentShare, ...], debt: Debt) -> str:
    if preview.settles:
        return "还款后这笔借款全部结清，结清证明立即生成"
    if any(share.still_overdue for share in shares):
        return "还款后仍有逾期：剩余的逾期本金继续按天计收罚息"
    if debt.is_overdue:
        return "还款成功后，罚息立即停止计收" + ("，方案保持有效" if debt.is_plan else "")
    return "还款后按剩余本金重新计算以后各期" if preview.prepaid_principal else ""


@dataclass(frozen=True, slots=True)
class Scope:
    """One segment of the cashier."""

    key: str
    label: str
    current: bool


def next_of_plan(debt: Debt) -> InstalmentDebt | None:
    """The plan instalment that may be paid ahead when nothing is due; None outside a plan."""
    ahead = debt.next_due
    if not debt.is_plan or debt.due_now or ahead is None or ahead.total > debt.payoff:
        return None
    return ahead


def due_words(debt: Debt) -> str:
    """What paying all that is due now is called: 还逾期, or 还本期 while nothing is late."""
    return "还逾期" if debt.is_overdue else "还本期"


def first_scope(debt: Debt) -> str:
    """What the cashier opens with: what is due, else the plan's next instalment."""
    if debt.due_now:
        return DUE
    return NEXT if next_of_plan(debt) else CUSTOM


def scopes(debt: Debt, chosen: str) -> tuple[Scope, ...]:
    """What may be paid: all that is due, the plan's next instalment, any amount, everything."""
    choices = [(DUE, due_words(debt))] if debt.due_now else []
    choices += [(NEXT, "还下一期")] if next_of_plan(debt) else []
    choices += [(CUSTOM, "自定义金额"), (PAYOFF, "提前结清")]
    return tuple(Scope(key, label, key == chosen) for key, label in choices)


def scope_words(debt: Debt, chosen: str, stage: LoanStage) -> str:
    """What the big amount is: 新计划第 2 期 · 逾期 2 天."""
    if chosen == PAYOFF:
        accrued = debt.accrued_interest
        extra = f"，其中未到期利息只计到今天 {wording.yuan(accrued)} 元" if accrued else ""
        return f"一次还清全部本金、利息和罚息{extra}"
    ahead = next_of_plan(debt)
    if chosen == NEXT and ahead is not None:
        on = wording.near_day(ahead.due_on, debt.as_of)
        return f"现在没有到期的期次；可以提前还新计划第 {ahead.number} 期，{on}到期"
    if stage.is_broken:
        return f"{stage.headline}，剩余欠款现已到期"
    plan = "新计划" if debt.is_plan else ""
    late = f"逾期 {debt.overdue_days} 天" if debt.is_overdue else stage.badge
    return f"{plan}第 {numbers_of(debt.due_rows)} 期 · {late}"


class PaidKind(NamedTuple):
    """One kind of what a payment paid, with the parts where there are several."""

    label: str
    field: str
    amount: Decimal
    parts: str = ""


@dataclass(frozen=True, slots=True)
class PaymentReceipt:
    """A payment as it was split on the day it was booked, and as it is split after corrections."""

    payment: Payment
    lines: tuple[PaidKind, ...]
    lines_now: tuple[tuple[str, Decimal, Decimal], ...]  # label, then, now: where they differ
    order_text: str
    details: tuple[tuple[str, str, Decimal], ...]
    corrected: bool


def receipt(payment: Payment) -> PaymentReceipt:
    """From the split stored with the payment; nothing is computed again."""
    split: Mapping[str, Any] = payment.split
    groups, groups_now = _groups(split), _groups(payment.split_now)
    details = [
        (
            f"第 {line['instalment']} 期" if line["instalment"] else "提前还款",
            line["label"],
            Decimal(line["amount"]),
        )
        for line in split["lines"]
    ]
    return PaymentReceipt(
        payment=payment,
        lines=tuple(group for group in groups if group.amount or group.field not in OPTIONAL),
        lines_now=tuple(
            (was.label if was.amount else new.label, was.amount, new.amount)
            for was, new in zip(groups, groups_now, strict=True)
            if was.amount != new.amount
        ),
        order_text=split["order_text"],
        details=tuple(details),
        corrected=payment.is_corrected,
    )


OPTIONAL = {"split-fee", "split-credit"}  # said only where there is something


def _groups(split: Mapping[str, Any]) -> list[PaidKind]:
    parts = Components.from_json(split["totals"])
    penalty, interest = penalty_column(parts), interest_column(parts)
    return [
        PaidKind(f"还{penalty.word}", "split-penalty", penalty.amount, penalty.parts),
        PaidKind(f"还{interest.word}", "split-interest", interest.amount, interest.parts),
        PaidKind("还本金", "split-principal", parts.principal),
        PaidKind("还费用", "split-fee", parts.fee),
        PaidKind("溢缴款", "split-credit", Decimal(split.get("credit", ZERO))),
    ]


def result_words(debt: Debt, stage: LoanStage) -> tuple[str, str]:
    """(headline, sentence) of how the loan stands after the payment."""
    if debt.payoff == ZERO:
        return "这笔借款已结清", "没有需要还的钱了，结清证明已经生成。"
    return stage.headline, stage.text
