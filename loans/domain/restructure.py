"""An offer's arithmetic: waive, split over a new plan, and prove that the sums agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from loans.domain._checks import (
    check_amount,
    check_choice,
    check_date,
    check_debt,
    check_int,
    check_kind,
    check_rate,
)
from loans.domain.components import (
    ACCRUED,
    LABELS,
    OF_A_LOAN,
    WAIVABLE,
    Component,
    Components,
    InParts,
    WithWaivers,
)
from loans.domain.cost import annualised_cost
from loans.domain.profile import ProductProfile, check_profile
from loans.domain.schedule import PlanPeriod, ScheduledInstalment, amortise, due_date, period_date
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import FEN, ZERO, from_fen, split, to_fen

NOTHING = Components()
OF_WHICH = "of_which"  # in a stored debt: how much of its sums was kept or is not yet due
MOST_TERMS = 360  # of any plan, whatever a lender's limits: thirty years


@dataclass(frozen=True, slots=True)
class DebtFigures(InParts):
    """A debt as of a date as a plan is made of it: nothing is kept apart, running interest is in.

    Of that, `kept` was fixed by an earlier plan (its kept columns), and `accrued_interest` has run up
    and is not yet due. parts.total is what settles the loan on that date (yuan).
    """

    as_of: date
    parts: Components
    kept: Components = NOTHING
    accrued_interest: Decimal = ZERO

    def worded_parts(self) -> list[tuple[str, Decimal]]:
        """Each part that is something, under its own word; their sum is parts.total.

        剩余本金 5,000.00, 已到期利息 54.00, 罚息 22.00, 保留罚息 110.57, 未到期利息 3.10.
        """
        running = Components(interest=self.accrued_interest)
        owed = self.parts - running - self.kept.with_kept_joined + self.kept
        worded = [(OF_A_LOAN[component], amount) for component, amount in owed]
        return [
            (word, amount) for word, amount in [*worded, (ACCRUED, self.accrued_interest)] if amount
        ]

    def as_json(self) -> dict[str, Any]:
        """As an offer stores and signs it: amounts as text, date ISO."""
        return {
            "as_of": self.as_of.isoformat(),
            **{part.value: str(self.parts[part]) for part in (Component.PRINCIPAL, *WAIVABLE)},
            "total": str(self.total),
            OF_WHICH: {
                Component.KEPT_INTEREST.value: str(self.kept.kept_interest),
                Component.KEPT_PENALTY.value: str(self.kept.kept_penalty),
                "accrued_interest": str(self.accrued_interest),
            },
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> DebtFigures:
        """Back from `as_json`; offers of the first version do not say what their sums consist of."""
        apart = stored.get(OF_WHICH, {})
        return cls(
            date.fromisoformat(stored["as_of"]),
            Components.from_json(stored),
            Components.from_json(apart),
            Decimal(apart.get("accrued_interest", ZERO)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliefTerms(WithWaivers):
    """What an offer promises, on the debt as of `figures_as_of`; checked for its kinds when made.

    Whether a debt and a profile allow it is `check_relief_terms`. Raises InvalidInput naming the field.
    """

    figures_as_of: date
    waive_penalty: Decimal
    waive_interest: Decimal = ZERO
    waive_compound: Decimal = ZERO
    waive_fee: Decimal = ZERO
    term_count: int
    first_due_on: date
    plan_annual_rate: Decimal = ZERO
    due_day: int | None = None
    period: PlanPeriod = PlanPeriod.MONTHLY

    def __post_init__(self) -> None:
        check_date(self.figures_as_of, "figures_as_of", "方案基准日")
        check_date(self.first_due_on, "first_due_on", "首期还款日")
        for component in WAIVABLE:
            field = component.waiver
            exact = check_amount(getattr(self, field), field, f"减免{LABELS[component]}")
            object.__setattr__(self, field, exact)
        check_int(self.term_count, "term_count", "分期数", 1, MOST_TERMS)
        check_rate(self.plan_annual_rate, "plan_annual_rate", "计划年利率", Decimal(0), Decimal(1))
        period = check_choice(self.period, "period", "还款周期", PlanPeriod)
        object.__setattr__(self, "period", period)
        if self.due_day is not None:
            check_int(self.due_day, "due_day", "还款日", 1, 31)
            if period is PlanPeriod.WEEKLY:
                raise InvalidInput(
                    "due_day", "每周还款按首期的星期几，没有还款日，请不要填写还款日。"
                )


@dataclass(frozen=True, slots=True)
class PlanRow(InParts):
    """One plan instalment; `interest` is the plan's own, kept_* are zero-rate columns."""

    number: int
    start_on: date
    due_on: date
    parts: Components


@dataclass(frozen=True, slots=True)
class PlanPreview(InParts):
    """The plan and its sums: total + waived = before_total + plan_interest.

    `parts` is the sum of the rows; kept_penalty holds what is kept of penalty, compound and fee
    together.
    """

    rows: tuple[PlanRow, ...]
    parts: Components
    waived: Decimal
    before_total: Decimal
    annualised_cost: Decimal | None

    @property
    def plan_interest(self) -> Decimal:
        """The plan's own interest over all rows, what is kept of the old not included."""
        return self.interest


def waive_by_percent(outstanding: Decimal, percent: Decimal) -> Decimal:
    """`percent` (0–100, Decimal) of what is outstanding, rounded DOWN to the fen (loans/RULES.md §6).

    Example: 60 % of 161.50 is 96.90. Raises InvalidInput (outstanding, percent).
    """
    outstanding = check_amount(outstanding, "outstanding", "未还金额")
    check_rate(percent, "percent", "减免比例", Decimal(0), Decimal(100))
    exact = Fraction(to_fen(outstanding)) * Fraction(percent) / 100
    return from_fen(exact.numerator // exact.denominator)


def check_relief_terms(profile: ProductProfile, debt: DebtFigures, terms: ReliefTerms) -> None:
    """What a legal plan is: InvalidInput naming the first bound of relief/RULES.md §6 that is broken.

    Each waiver ≤ outstanding of its own component; principal is never waived; 1 ≤ term_count;
    figures_as_of < first_due_on; 0 ≤ plan rate ≤ contract's. How many terms, how late a first date
    and how many plans are the lender's limits: PlanRules.check_limits. Amounts in yuan.
    """
    check_profile(profile)
    check_kind(terms, "terms", "方案条件", ReliefTerms)
    check_debt(debt)
    if terms.figures_as_of != debt.as_of:
        raise InvalidInput("figures_as_of", f"欠款数字应截至方案基准日 {terms.figures_as_of}。")
    for component in WAIVABLE:
        label, owed = LABELS[component], debt.parts[component]
        if terms.waivers[component] > owed:
            raise InvalidInput(component.waiver, f"减免{label}最多 {owed:,.2f} 元，请改小。")
    if terms.first_due_on <= terms.figures_as_of:
        raise InvalidInput("first_due_on", f"首期还款日应晚于 {terms.figures_as_of}。")
    if Fraction(terms.plan_annual_rate) > profile.annual_rate:
        raise InvalidInput("plan_annual_rate", "计划年利率不能高于原合同利率。")
    _due_day(terms)


def _due_day(terms: ReliefTerms) -> int:
    if terms.due_day is None:
        return terms.first_due_on.day
    if due_date(terms.first_due_on, 0, terms.due_day) != terms.first_due_on:
        raise InvalidInput("due_day", "还款日与首期还款日不一致。")
    return terms.due_day


def plan_preview(profile: ProductProfile, debt: DebtFigures, terms: ReliefTerms) -> PlanPreview:
    """The new plan in full, before anything is booked; amounts in yuan.

    Rule (loans/RULES.md §6): zero-rate split T over n is DOWN(T/n), the last takes the rest, per
    column; interest-bearing principal is spread by equal instalments at plan_annual_rate / 12 a
    month, or by actual days where the plan is paid weekly or half-monthly. A deferral costs
    nothing: the first interest period is one period, or actual days / year_basis when the first
    due date is nearer. Unpaid interest and kept charges are never
    capitalised. total + waived = before_total + plan_interest. Raises InvalidInput.

    Example: 6000 + 110.12 interest, penalty 161.50 all waived, 12 terms: 11 × 509.17 + 509.25.
    """
    rows = plan_rows(profile, debt, terms)
    plan = Components.summed(row.parts for row in rows)
    if plan.total + terms.waived != debt.total + plan.interest:
        raise ArithmeticError("plan does not balance")
    payments = [(row.due_on, row.total) for row in rows]
    cost = annualised_cost(debt.principal, terms.figures_as_of, payments)
    return PlanPreview(rows, plan, terms.waived, debt.total, cost)


def plan_rows(
    profile: ProductProfile, debt: DebtFigures, terms: ReliefTerms
) -> tuple[PlanRow, ...]:
    """The rows of plan_preview alone: same rules and errors, without the yearly cost."""
    check_relief_terms(profile, debt, terms)
    count = terms.term_count
    principal = _principal_rows(profile, debt.principal, terms)
    remaining = debt.parts - terms.waivers
    interest, penalty = split(remaining.interest, count), split(remaining.charges, count)
    rows = []
    for item, kept_interest, kept_penalty in zip(principal, interest, penalty, strict=True):
        parts = Components(
            principal=item.principal,
            interest=item.interest,
            kept_interest=kept_interest,
            kept_penalty=kept_penalty,
        )
        if parts.total < FEN:
            raise InvalidInput("term_count", "分期数太多，每期至少要有 0.01 元，请减少期数。")
        rows.append(PlanRow(item.number, item.start_on, item.due_on, parts))
    return tuple(rows)


def _principal_rows(
    profile: ProductProfile, principal: Decimal, terms: ReliefTerms
) -> tuple[ScheduledInstalment, ...]:
    day = _due_day(terms)
    before, *dates = (
        period_date(terms.first_due_on, k, terms.period, day) for k in range(-1, terms.term_count)
    )
    start = max(terms.figures_as_of, before)
    if terms.plan_annual_rate:
        return amortise(
            profile.for_plan(terms.plan_annual_rate, by_days=terms.period.counts_days),
            principal,
            start,
            dates,
        )
    parts = split(principal, terms.term_count)
    starts = [start, *dates[:-1]]
    return tuple(
        ScheduledInstalment(number, from_on, due_on, part, ZERO)
        for number, (from_on, due_on, part) in enumerate(
            zip(starts, dates, parts, strict=True), start=1
        )
    )
