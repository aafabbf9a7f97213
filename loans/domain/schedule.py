"""Repayment schedules: due dates, instalments, prepayment and acceleration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from loans.domain._checks import (
    check_amount,
    check_choice,
    check_date,
    check_int,
    check_items,
    check_sequence,
)
from loans.domain.profile import Method, ProductProfile, check_profile
from portal.core.kernel.businesstime import add_months
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import FEN, ZERO, Rounding

MAX_TERM = 360
_HALF_A_MONTH = 15


class PlanPeriod(StrEnum):
    """How often a plan is paid."""

    MONTHLY = "monthly"
    HALF_MONTHLY = "half_monthly"
    WEEKLY = "weekly"

    @property
    def counts_days(self) -> bool:
        """A period is no month, so interest is by its days."""
        return self is not PlanPeriod.MONTHLY


PERIOD_LABELS: dict[PlanPeriod, str] = {
    PlanPeriod.MONTHLY: "每月",
    PlanPeriod.HALF_MONTHLY: "每半月",
    PlanPeriod.WEEKLY: "每周",
}


@dataclass(frozen=True, slots=True)
class ScheduledInstalment:
    """One scheduled payment in yuan; interest is for the days [start_on, due_on)."""

    number: int
    start_on: date
    due_on: date
    principal: Decimal
    interest: Decimal

    @property
    def total(self) -> Decimal:
        """principal + interest."""
        return self.principal + self.interest


def due_date(start_on: date, months: int, due_day: int) -> date:
    """The due day of the month `months` after start_on's month, clipped to that month's end.

    Never moved by holidays (loans/RULES.md §2). Example: 2024-01-31, 1, 31 gives 2024-02-29.
    """
    check_date(start_on, "start_on", "起始日")
    check_int(months, "months", "月数", -1200, 1200)
    check_int(due_day, "due_day", "还款日", 1, 31)
    return _due(start_on, months, due_day)


def _due(start_on: date, months: int, due_day: int, field: str = "start_on") -> date:
    try:
        due_on = add_months(start_on, months, due_day=due_day)
    except ValueError as outside:
        raise InvalidInput(field, "日期超出可用范围。") from outside
    if due_on.year > 9998:
        raise InvalidInput(field, "日期超出可用范围。")
    return due_on


def half_month_days(due_day: int) -> tuple[int, int]:
    """The two days of a month on which a half-monthly plan is paid: 10 gives 10 and 25, 31 16 and 31."""
    check_int(due_day, "due_day", "还款日", 1, 31)
    other = due_day + (-_HALF_A_MONTH if due_day > _HALF_A_MONTH else _HALF_A_MONTH)
    return min(due_day, other), max(due_day, other)


def period_date(first_on: date, number: int, period: PlanPeriod, due_day: int) -> date:
    """The date `number` periods after (or before) the first: a month, half a month, or 7 days.

    Half-monthly: on `due_day` and 15 days from it in the same month, each clipped to its end.
    Example: first on 2023-11-10, half-monthly: 11-25, 12-10; day 31: the 16th and the 31st.
    """
    check_date(first_on, "first_on", "首期还款日")
    check_int(number, "number", "期数", -1200, 1200)
    check_choice(period, "period", "还款周期", PlanPeriod)
    check_int(due_day, "due_day", "还款日", 1, 31)
    if period == PlanPeriod.WEEKLY:
        return _in_range(first_on, 7 * number)
    if period == PlanPeriod.MONTHLY:
        return _due(first_on, number, due_day)
    days = half_month_days(due_day)
    months, half = divmod(days.index(due_day) + number, 2)
    return _due(first_on, months, days[half])


def _in_range(on: date, days: int) -> date:
    try:
        return on + timedelta(days=days)
    except OverflowError as outside:
        raise InvalidInput("first_on", "日期超出可用范围。") from outside


def is_whole_month(start_on: date, due_on: date) -> bool:
    """True when [start_on, due_on) is exactly one month, clipped days included.

    Examples: 01-31 to 02-28, 02-28 to 03-31 (both month ends) and 06-10 to 07-10 are.
    """
    check_date(start_on, "start_on", "起始日")
    check_date(due_on, "due_on", "到期日")
    for day in (start_on.day, due_on.day):
        if _due(start_on, 0, day) == start_on and _due(start_on, 1, day) == due_on:
            return True
    return False


def accrued_interest(
    profile: ProductProfile, *, balance: Decimal, from_on: date, to_on: date
) -> Decimal:
    """Ordinary interest in yuan of a balance for the days [from_on, to_on), by round_interest.

    Daily rate: balance × rate × days. Annual: one whole month is annual / 12, anything else, and
    everything where interest_days is actual, days × annual / year_basis (loans/RULES.md §2).
    Example: 6000 at 0.03 % for 30 days: 54.00.
    """
    check_profile(profile)
    check_amount(balance, "balance", "本金余额")
    check_date(from_on, "from_on", "起息日")
    check_date(to_on, "to_on", "止息日")
    if to_on < from_on:
        raise InvalidInput("to_on", "止息日不能早于起息日。")
    return _yuan(
        _round(_fen(balance) * _period_rate(profile, from_on, to_on), profile.round_interest)
    )


def residual_of(profile: ProductProfile, principal: Decimal) -> Decimal:
    """What a balloon loan leaves to its last instalment beyond the level part: 尾款.

    balloon_share of what was lent, rounded DOWN to the fen; nothing for other methods. Example: 40 % of
    10000.00 is 4000.00.
    """
    check_profile(profile)
    check_amount(principal, "principal", "借款本金")
    return _yuan(_round(_fen(principal) * Fraction(profile.balloon_share), Rounding.DOWN))


def build_schedule(
    profile: ProductProfile,
    *,
    principal: Decimal,
    drawdown_on: date,
    term_months: int,
    due_day: int,
) -> tuple[ScheduledInstalment, ...]:
    """The original schedule: instalment k falls due in the k-th month after the drawdown's.

    Equal instalments are level to the fen except the last, which takes the rest, and the first
    interest of an annual rate where its period is broken; a balloon has its residual in the last
    besides; equal principal is principal / n rounded DOWN, the last takes the rest; interest-only
    has all principal in the last (loans/RULES.md §2). A period that owes 0.00 has no instalment:
    the numbers of the others stay those of their months. Raises InvalidInput (principal,
    drawdown_on, term_months, due_day), also for so many terms that an instalment would repay no
    principal. Example: 6000 at 0.03 %
    a day, 3 months from 2023-06-10, day 10: 1982.70 + 54.00, 1999.34 + 37.36, 2017.96 + 18.76.
    """
    check_profile(profile)
    check_date(drawdown_on, "drawdown_on", "放款日")
    check_int(term_months, "term_months", "借款期数", 1, MAX_TERM)
    check_int(due_day, "due_day", "还款日", 1, 31)
    check_amount(principal, "principal", "借款本金", FEN * term_months)
    dates = [_due(drawdown_on, k, due_day, "drawdown_on") for k in range(1, term_months + 1)]
    residual = residual_of(profile, principal)
    rows = amortise(profile, principal, drawdown_on, dates, residual=residual)
    if profile.method is not Method.INTEREST_ONLY:
        for row in rows:
            if row.principal < FEN or (row is rows[-1] and row.principal <= residual):
                raise InvalidInput(
                    "term_months",
                    f"期数太多：第 {row.number} 期（利息 {row.interest:,.2f} 元）还不到本金，"
                    "请减少期数，或选更近的还款日。",
                )
    return _without_empty(rows)


def _without_empty(rows: Sequence[ScheduledInstalment]) -> tuple[ScheduledInstalment, ...]:
    """The rows that owe something; the numbers stay."""
    return tuple(row for row in rows if row.total)


def recompute_schedule(
    profile: ProductProfile,
    *,
    balance: Decimal,
    from_on: date,
    due_dates: Sequence[date],
    first_number: int = 1,
    residual: Decimal = ZERO,
) -> tuple[ScheduledInstalment, ...]:
    """After a prepayment on from_on: the same due dates, smaller instalments (reduce_amount).

    Interest up to from_on is paid with the prepayment, so the running period restarts there; for
    an annual rate it is a broken period. A period that owes 0.00 has no instalment, so a small
    rest may end earlier. `residual`: what a balloon still leaves to the last date, or all that is
    left if less. Raises InvalidInput (balance, from_on, due_dates, residual).
    """
    check_profile(profile)
    check_amount(balance, "balance", "本金余额", FEN)
    check_date(from_on, "from_on", "提前还款日")
    check_int(first_number, "first_number", "首期期号", 1, 9999)
    _check_dates(due_dates, "due_dates", from_on)
    check_amount(residual, "residual", "尾款")
    rest = min(residual, balance)
    return _without_empty(
        amortise(profile, balance, from_on, due_dates, first_number, residual=rest)
    )


def accelerate_schedule(
    profile: ProductProfile, remaining: Sequence[ScheduledInstalment], *, on: date
) -> ScheduledInstalment:
    """The undue instalments become one due on `on`: all principal, interest only to that day.

    `remaining` are the instalments of the schedule with due_on > on (their principal as still
    owed), in order; future interest is dropped (loans/RULES.md §8).
    """
    check_profile(profile)
    check_date(on, "on", "提前到期日")
    for item in check_items(remaining, "remaining", "未到期期次", ScheduledInstalment):
        check_int(item.number, "remaining.number", "期号", 1, 9999)
        check_date(item.start_on, "remaining.start_on", "起息日")
        check_date(item.due_on, "remaining.due_on", "还款日")
        check_amount(item.principal, "remaining.principal", "本金")
        check_amount(item.interest, "remaining.interest", "利息")
    if not remaining:
        raise InvalidInput("remaining", "没有未到期的期次，不能宣布提前到期。")
    if any(item.due_on <= on for item in remaining):
        raise InvalidInput("remaining", "已到期的期次不能再宣布提前到期。")
    first = remaining[0]
    balance = sum((item.principal for item in remaining), Decimal("0.00"))
    start = min(first.start_on, on)
    interest = accrued_interest(profile, balance=balance, from_on=start, to_on=on)
    return ScheduledInstalment(first.number, start, on, balance, min(interest, first.interest))


def amortise(
    profile: ProductProfile,
    principal: Decimal,
    start_on: date,
    dates: Sequence[date],
    first_number: int = 1,
    *,
    residual: Decimal = ZERO,
) -> tuple[ScheduledInstalment, ...]:
    """Spread principal over dates by the profile's method, a row a date; the one place that does.

    A is rounded, then each interest; principal = A − interest, at least 0 and at most what is
    left above the `residual`; the last principal is what is left. Where months count as twelfths,
    principal is repaid as if each period were one, so that a broken one changes its own interest
    and no other instalment. Equal principal: the same part each, the last takes the rest.
    """
    check_profile(profile)
    check_date(start_on, "start_on", "起息日")
    _check_dates(dates, "dates", start_on)
    check_int(first_number, "first_number", "首期期号", 1, 9999)
    rates = _period_rates(profile, start_on, dates)
    left = _fen(check_amount(principal, "principal", "本金"))
    last = _fen(check_amount(residual, "residual", "尾款"))
    if last > left:
        raise InvalidInput("residual", f"尾款不能超过本金 {principal} 元。")
    month = profile.month_rate
    share = level = None
    if profile.method is Method.EQUAL_PRINCIPAL:
        share = left // len(dates)
    elif profile.method is not Method.INTEREST_ONLY:
        level = _round(_level(profile, left, last, rates), profile.round_instalment)
    rows = []
    start = start_on
    for index, (due_on, rate) in enumerate(zip(dates, rates, strict=True)):
        interest = _round(left * rate, profile.round_interest)
        if index == len(dates) - 1:
            part = left
        elif level is not None:
            usual = interest if month is None else _round(left * month, profile.round_interest)
            part = min(left - last, max(0, level - usual))
        else:
            part = share or 0
        rows.append(
            ScheduledInstalment(first_number + index, start, due_on, _yuan(part), _yuan(interest))
        )
        left -= part
        start = due_on
    return tuple(rows)


def _check_dates(dates: Sequence[date], field: str, after: date) -> None:
    if not check_sequence(dates, field, "还款日"):
        raise InvalidInput(field, "没有剩余的还款日。")
    for due_on in dates:
        if check_date(due_on, field, "还款日") <= after:
            raise InvalidInput(field, f"还款日应晚于 {after}，并且依次递增。")
        after = due_on


def _period_rates(profile: ProductProfile, start_on: date, dates: Sequence[date]) -> list[Fraction]:
    rates = []
    for due_on in dates:
        rates.append(_period_rate(profile, start_on, due_on))
        start_on = due_on
    return rates


def _period_rate(profile: ProductProfile, start_on: date, due_on: date) -> Fraction:
    month = profile.month_rate
    if month is not None and is_whole_month(start_on, due_on):
        return month
    return profile.daily_rate * (due_on - start_on).days


def _level(profile: ProductProfile, fen: int, last: int, rates: Sequence[Fraction]) -> Fraction:
    """A = (P − R · Π_j 1/(1 + rate_j)) / Σ_k Π_{j≤k} 1/(1 + rate_j), exact; R is the residual.

    With rate zero (P − R) / n, always rounded DOWN. Where months count as twelfths, every period
    counts as one month in A, also a broken first one, whose own interest takes the difference.
    """
    if profile.rate == 0:
        return Fraction((fen - last) // len(rates))
    if profile.month_rate is not None:
        rates = [profile.month_rate] * len(rates)
    growth, below = Fraction(1), Fraction(0)
    common = profile.daily_rate.denominator
    if all(common % rate.denominator == 0 for rate in rates):
        return _level_by_integers(fen, last, rates, common)
    for rate in rates:
        growth *= 1 + rate
        below = below * (1 + rate) + 1
    return (fen * growth - last) / below


def _level_by_integers(fen: int, last: int, rates: Sequence[Fraction], common: int) -> Fraction:
    growth, below, scale = 1, 0, 1
    for rate in rates:
        factor = common + rate.numerator * (common // rate.denominator)
        growth *= factor
        below = below * factor + scale * common
        scale *= common
    return Fraction(fen * growth - last * scale, below)


def _round(exact: Fraction, mode: Rounding) -> int:
    if mode is Rounding.DOWN:
        return exact.numerator // exact.denominator
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def _fen(amount: Decimal) -> int:
    return int(amount * 100)


def _yuan(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)
