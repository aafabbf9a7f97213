"""Argument checks of the pure rules: each refuses with InvalidInput that names the field."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from portal.kernel.errors import InvalidInput
from portal.kernel.money import ZERO, require_money

E = TypeVar("E", bound=StrEnum)


def check_date(value: object, field: str, label: str = "日期") -> date:
    """A calendar day; an instant is refused, because which day it is depends on the place."""
    if isinstance(value, datetime) or not isinstance(value, date):
        raise InvalidInput(field, f"{label}应为日期（年-月-日）。")
    return value


def check_int(value: object, field: str, label: str, low: int, high: int) -> int:
    """A whole number within [low, high]; True, False and 1.0 are refused."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(field, f"{label}应为整数。")
    if not low <= value <= high:
        raise InvalidInput(field, f"{label}应在 {low} 到 {high} 之间。")
    return value


def check_flag(value: object, field: str, label: str) -> bool:
    """Exactly True or False."""
    if not isinstance(value, bool):
        raise InvalidInput(field, f"{label}应为是或否。")
    return value


def check_rate(value: object, field: str, label: str, low: Decimal, high: Decimal) -> Decimal:
    """A finite Decimal within [low, high]; floats are refused."""
    if not isinstance(value, Decimal) or not value.is_finite():
        raise InvalidInput(field, f"{label}应为精确的小数（Decimal）。")
    if not low <= value <= high:
        raise InvalidInput(field, f"{label}应在 {low} 到 {high} 之间。")
    return value


def check_amount(value: object, field: str, label: str, low: Decimal = ZERO) -> Decimal:
    """Yuan to the fen, at least `low`."""
    amount = require_money(value, field)
    if amount < low:
        raise InvalidInput(field, f"{label}不能低于 {low} 元。")
    return amount


def check_choice(value: object, field: str, label: str, kind: type[E]) -> E:
    """One of the words of `kind`."""
    try:
        return kind(str(value))
    except ValueError:
        words = "、".join(member.value for member in kind)
        raise InvalidInput(field, f"{label}应为其中之一：{words}。") from None
