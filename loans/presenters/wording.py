"""Dates, rates and states in the words of the screens; refuses to round what it quotes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

from loans.domain.risk import bucket_number
from loans.domain.schedule import PlanPeriod, half_month_days

PLACES = 6  # of a percentage that does not end


def percent(rate: Fraction | Decimal) -> str:
    """A fraction as a percentage, exact where it ends.

    0.0004 → "0.04%", 0.00075 → "0.075%", 0.24/365 → "≈0.065753%".
    """
    hundredfold = Fraction(rate) * 100
    scaled = round(hundredfold * 10**PLACES)
    text = f"{Decimal(scaled).scaleb(-PLACES):f}".rstrip("0").rstrip(".")
    return f"{text}%" if Fraction(scaled, 10**PLACES) == hundredfold else f"≈{text}%"


def plain(number: Decimal | Fraction | int) -> str:
    """A number without needless zeros: 1.50 → "1.5"."""
    value = (
        Decimal(number.numerator) / number.denominator if isinstance(number, Fraction) else number
    )
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def month_day(on: date) -> str:
    """10月5日."""
    return f"{on.month}月{on.day}日"


def full_day(on: date) -> str:
    """2026年6月5日."""
    return f"{on.year}年{on.month}月{on.day}日"


WEEKDAYS = "一二三四五六日"


def rhythm(period: PlanPeriod, first_due_on: date) -> str:
    """When a plan is paid: 每月 10 日, 每月 10 日和 25 日, 每周五."""
    if period is PlanPeriod.WEEKLY:
        return f"每周{WEEKDAYS[first_due_on.weekday()]}"
    if period is PlanPeriod.MONTHLY:
        return f"每月 {first_due_on.day} 日"
    early, late = half_month_days(first_due_on.day)
    return f"每月 {early} 日和 {late} 日"


def near_day(on: date, today: date) -> str:
    """The short form within the year shown, the full one outside it."""
    return month_day(on) if on.year == today.year else full_day(on)


def yuan(amount: Decimal) -> str:
    """1234.5 → "1,234.50", for sentences; figures of their own go through {% data %}."""
    return f"{amount:,.2f}"


def credit_class(overdue_days: int) -> str:
    """How the state is reported: 正常, or 逾期 n 天 with its class 1–7 of thirty days each."""
    number = bucket_number(overdue_days)
    if number == 0:
        return "正常"
    return f"逾期 {overdue_days} 天（{number} 档，共 7 档，每 30 天一档）"


def exact(amount: Fraction, places: int = 6) -> str:
    """An exact sum with at most six places; ≈ when it goes on."""
    scaled = round(amount * 10**places)
    text = f"{Decimal(scaled).scaleb(-places):,f}"
    whole, _, decimals = text.partition(".")
    shown = f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
    return shown if Fraction(scaled, 10**places) == amount else f"≈{shown}"
