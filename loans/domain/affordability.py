"""From three optional numbers to a plan that fits: closest, one faster, one slower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.domain._checks import (
    check_amount,
    check_debt,
    check_int,
    check_kind,
    check_rate,
    check_sequence,
)
from loans.domain.cost import check_payment
from loans.domain.profile import ProductProfile, check_profile
from loans.domain.restructure import (
    MOST_TERMS,
    DebtFigures,
    PlanPreview,
    ReliefTerms,
    plan_preview,
    plan_rows,
    waive_by_percent,
)
from loans.domain.schedule import PlanPeriod
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO, require_money

FASTER_PERCENT = Decimal(120)  # of the limit
SLOWER_PERCENT = Decimal(80)  # of the limit

ASK = "请填写每月收入和必要支出，或每月可还金额，我们据此推荐方案。"
NOTHING_LEFT = "按所填数字，扣除必要支出后没有可用于还款的金额，请联系客服商量。"
NOTHING_FITS = "没有每期金额在承受范围内的方案，请联系客服商量其他办法。"


@dataclass(frozen=True, slots=True)
class Affordability:
    """left_over = income − spending; guide = a share of it, DOWN; limit = what suggestions aim at.

    Each is None when the numbers for it were not told. left_over may be negative, the others not.
    """

    left_over: Decimal | None
    guide: Decimal | None
    limit: Decimal | None
    share: Decimal

    def __post_init__(self) -> None:
        if self.left_over is not None:
            require_money(self.left_over, "left_over")
        for value, field in ((self.guide, "guide"), (self.limit, "limit")):
            if value is not None:
                check_amount(value, field, "每期上限")

    def exceeds_guide(self, month: Decimal) -> bool:
        """True when a month costs more than the share of what is left over: both sides are warned."""
        check_amount(month, "month", "每月金额")
        return self.guide is not None and month > self.guide


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One plan: its terms, its preview, its heaviest month, and whether that is in the guide."""

    label: str
    terms: ReliefTerms
    preview: PlanPreview
    largest: Decimal
    within_guide: bool


@dataclass(frozen=True, slots=True)
class Suggestions:
    """None where there is no such plan; `message` is "" or a Chinese sentence saying why not."""

    closest: Suggestion | None
    faster: Suggestion | None
    slower: Suggestion | None
    message: str


def heaviest_month(payments: Sequence[tuple[date, Decimal]]) -> Decimal:
    """The most that falls due within one calendar month, in yuan: what a month's means must bear.

    Example: 200.00 weekly from 2024-03-01: five Fridays, 1000.00.
    """
    months: dict[tuple[int, int], Decimal] = {}
    for payment in check_sequence(payments, "payments", "各期金额"):
        on, amount = check_payment(payment)
        month = (on.year, on.month)
        months[month] = months.get(month, ZERO) + amount
    return max(months.values(), default=ZERO)


def assess(
    income: Decimal | None = None,
    spending: Decimal | None = None,
    payable: Decimal | None = None,
    *,
    share: Decimal,
) -> Affordability:
    """What is left over a month and what a plan may cost of it (relief/RULES.md §3).

    `share` is the policy's part of what is left over, from 0 to 1. limit = the smaller of the guide
    and what the borrower says they can pay. Raises InvalidInput (income, spending, payable, share).
    Example: 6000 − 3800 = 2200 left over, half of it 1100.00.
    """
    check_rate(share, "share", "可用于还款的比例", Decimal(0), Decimal(1))
    for value, field, label in (
        (income, "income", "每月收入"),
        (spending, "spending", "必要支出"),
        (payable, "payable", "每月可还金额"),
    ):
        if value is not None:
            check_amount(value, field, label)
    left_over = None if income is None or spending is None else income - spending
    guide = None if left_over is None else waive_by_percent(max(ZERO, left_over), share * 100)
    bounds = [value for value in (guide, payable) if value is not None]
    return Affordability(left_over, guide, min(bounds) if bounds else None, share)


def suggest_plans(
    profile: ProductProfile,
    debt: DebtFigures,
    affordability: Affordability,
    *,
    first_due_on: date,
    max_terms: int,
    waive_penalty: Decimal | None = None,
    plan_annual_rate: Decimal = ZERO,
    period: PlanPeriod = PlanPeriod.MONTHLY,
) -> Suggestions:
    """The shortest plan within the limit a month, one faster and one slower; as HMRC's time-to-pay.

    Faster: the shortest within 120 % of the limit and never above
    all that is left over; slower: within 80 %. Always fewer, and more, terms than the closest.
    `waive_penalty` None supposes all penalty waived. Raises InvalidInput like plan_preview.
    """
    check_profile(profile)
    check_debt(debt)
    check_kind(affordability, "affordability", "还款能力", Affordability)
    check_int(max_terms, "max_terms", "最多期数", 1, MOST_TERMS)
    limit = affordability.limit
    if limit is None:
        return Suggestions(None, None, None, ASK)
    if limit == 0:
        return Suggestions(None, None, None, NOTHING_LEFT)
    waive = debt.penalty if waive_penalty is None else waive_penalty
    sizes: dict[int, tuple[ReliefTerms, Decimal]] = {}
    for count in range(1, max_terms + 1):
        terms = ReliefTerms(
            figures_as_of=debt.as_of,
            waive_penalty=waive,
            term_count=count,
            first_due_on=first_due_on,
            plan_annual_rate=plan_annual_rate,
            period=period,
        )
        largest = _largest(profile, debt, terms)
        if largest is None:
            break
        sizes[count] = (terms, largest)
    return _choose(profile, debt, affordability, limit, sizes)


def _choose(
    profile: ProductProfile,
    debt: DebtFigures,
    affordability: Affordability,
    limit: Decimal,
    sizes: dict[int, tuple[ReliefTerms, Decimal]],
) -> Suggestions:
    def shortest(bound: Decimal, low: int, high: int) -> int | None:
        return next((n for n in range(low, high + 1) if n in sizes and sizes[n][1] <= bound), None)

    def build(label: str, count: int | None) -> Suggestion | None:
        if count is None:
            return None
        terms, largest = sizes[count]
        within = not affordability.exceeds_guide(largest)
        return Suggestion(label, terms, plan_preview(profile, debt, terms), largest, within)

    most = max(sizes, default=0)
    closest = shortest(limit, 1, most)
    if closest is None:
        return Suggestions(None, None, None, NOTHING_FITS)
    upper = waive_by_percent(limit, Decimal(100)) + waive_by_percent(limit, FASTER_PERCENT - 100)
    if affordability.left_over is not None:
        upper = min(upper, affordability.left_over)
    faster = shortest(upper, 1, closest - 1)
    slower = shortest(waive_by_percent(limit, SLOWER_PERCENT), closest + 1, most)
    return Suggestions(
        build("最接近", closest), build("更快还清", faster), build("每期更少", slower), ""
    )


def _largest(profile: ProductProfile, debt: DebtFigures, terms: ReliefTerms) -> Decimal | None:
    """What the heaviest month costs; None when there are too many terms for so small a debt."""
    try:
        return heaviest_month([(row.due_on, row.total) for row in plan_rows(profile, debt, terms)])
    except InvalidInput as error:
        if error.field == "term_count":
            return None
        raise
