"""The rules that one agreed plan lives by: limits, grace and cure (relief/RULES.md §6, §8).

They come from the lender's relief policy, are copied onto the plan when it is executed and never
change after it; whatever happens to the plan later reads them there. This package has no numbers
of its own for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from typing import Any, Protocol

from loans.domain._checks import check_date, check_int
from loans.domain.schedule import due_date
from portal.core.kernel.errors import InvalidInput


class PlanShape(Protocol):
    """The terms that the limits bound: loans' ReliefTerms, relief's OfferTerms."""

    @property
    def figures_as_of(self) -> date: ...
    @property
    def first_due_on(self) -> date: ...
    @property
    def term_count(self) -> int: ...


_INTS: dict[str, tuple[str, int, int]] = {
    "max_plan_terms": ("新还款计划最多期数", 1, 360),
    "deferral_months": ("首期最多推迟月数", 0, 12),
    "max_plans_per_loan": ("每笔借款最多新还款计划数", 1, 10),
    "plan_reminder_days": ("新还款计划提前提醒天数", 0, 60),
    "plan_grace_days": ("新还款计划宽限天数", 0, 60),
    "cure_days": ("补救期天数", 0, 180),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRules:
    """Days are calendar days, terms are instalments; InvalidInput names the field out of bounds."""

    max_plan_terms: int
    deferral_months: int
    max_plans_per_loan: int
    plan_reminder_days: int
    plan_grace_days: int
    cure_days: int

    def __post_init__(self) -> None:
        for field, (label, low, high) in _INTS.items():
            check_int(getattr(self, field), field, label, low, high)

    def latest_first_due(self, figures_as_of: date) -> date:
        """One month as usual plus the deferral allowed: of 2023-10-09 with 3 months 2024-02-09."""
        check_date(figures_as_of, "figures_as_of", "方案基准日")
        return due_date(figures_as_of, 1 + self.deferral_months, figures_as_of.day)

    def check_limits(self, terms: PlanShape, *, plan_number: int) -> None:
        """InvalidInput naming the first limit that a loan's next plan breaks."""
        self.check_count(terms.term_count)
        self.check_first_due(terms.first_due_on, figures_as_of=terms.figures_as_of)
        if plan_number > self.max_plans_per_loan:
            raise InvalidInput(
                "plan", f"同一笔借款最多协商 {self.max_plans_per_loan} 次新还款计划，这笔已用完"
            )

    def check_count(self, count: int) -> None:
        """InvalidInput for a number of instalments that no plan may have."""
        if type(count) is not int or not 1 <= count <= self.max_plan_terms:
            raise InvalidInput("term_count", f"期数要在 1 到 {self.max_plan_terms} 之间")

    def check_first_due(self, first_due_on: date, *, figures_as_of: date) -> None:
        """InvalidInput for a first date that is past or later than the deferral allows."""
        latest = self.latest_first_due(figures_as_of)
        if not figures_as_of < first_due_on <= latest:
            raise InvalidInput("first_due_on", f"首期日期要在明天到 {latest:%Y-%m-%d} 之间")

    def warning_on(self, due_on: date) -> date:
        """The day on which an instalment still unpaid is warned of; due 01-10, 3 days: 01-13."""
        check_date(due_on, "due_on", "到期日")
        return due_on + timedelta(days=self.plan_grace_days)

    def cure_until(self, warned_on: date) -> date:
        """The last day on which full payment cures a warning given on a day; 10 days: 01-23."""
        check_date(warned_on, "warned_on", "预警日期")
        return warned_on + timedelta(days=self.cure_days)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict(rules.to_dict()) == rules`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PlanRules:
        """The rules stored with a plan; InvalidInput unless exactly their names are there."""
        names = {field.name for field in fields(cls)}
        if set(data) != names:
            odd = sorted(names ^ set(data))
            raise InvalidInput("rules", f"新还款计划的规则有缺漏或多余的项目：{'、'.join(odd)}。")
        return cls(**data)
