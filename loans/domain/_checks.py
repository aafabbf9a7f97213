"""Argument checks of the pure rules: each refuses with InvalidInput that names the field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from loans.domain.components import LABELS, Component, Components
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO, require_money

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

_HUNDRED = Decimal(100)
LAST_YEAR = 9990  # every rule may add days or months to a date and stay inside the calendar
_FINEST = -20  # places of a rate; finer is a slip, and costs time without end


def check_date(value: object, field: str, label: str = "日期") -> date:
    """A calendar day; an instant is refused, because which day it is depends on the place."""
    if isinstance(value, datetime) or not isinstance(value, date):
        raise InvalidInput(field, f"{label}应为日期（年-月-日）。")
    if value.year > LAST_YEAR:
        raise InvalidInput(field, f"{label}超出可用范围，最晚到 {LAST_YEAR} 年。")
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
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < _FINEST:
        raise InvalidInput(field, f"{label}最多 {-_FINEST} 位小数。")
    return value


def check_amount(value: object, field: str, label: str, low: Decimal = ZERO) -> Decimal:
    """Yuan to the fen, at least `low`."""
    amount = require_money(value, field)
    if amount < low:
        raise InvalidInput(field, f"{label}不能低于 {low} 元。")
    return amount


def check_fen(value: object, field: str, label: str, low: Decimal = ZERO) -> int:
    """The same in whole fen: Decimal("1.50") is 150."""
    return int(check_amount(value, field, label, low) * _HUNDRED)


def check_choice(value: object, field: str, label: str, kind: type[E]) -> E:
    """A member of the enum `kind`, by its value."""
    try:
        return kind(str(value))
    except ValueError:
        choices = "、".join(member.value for member in kind)
        raise InvalidInput(field, f"{label}应为其中之一：{choices}。") from None


def check_text(value: object, field: str, label: str) -> str:
    """1 to 100 characters that can be printed, not only spaces."""
    if not isinstance(value, str) or not value.strip() or len(value) > 100:
        raise InvalidInput(field, f"{label}应为 1 到 100 个字。")
    if not value.isprintable():
        raise InvalidInput(field, f"{label}中有不能显示的字符。")
    return value


def check_kind(value: object, field: str, label: str, kind: type[T]) -> T:
    """A value that the rules themselves made: a profile, facts, terms."""
    if not isinstance(value, kind):
        raise InvalidInput(field, f"{label}应为 {kind.__name__}。")
    return value


def check_sequence(values: object, field: str, label: str) -> Sequence[object]:
    """A list or tuple, read more than once; text is not a sequence here."""
    if not isinstance(values, list | tuple):
        raise InvalidInput(field, f"{label}应为列表。")
    return values


def check_items(values: object, field: str, label: str, kind: type[T]) -> Sequence[T]:
    """A list or tuple in which every element is of one kind."""
    for value in check_sequence(values, field, label):
        if not isinstance(value, kind):
            raise InvalidInput(field, f"{label}应为 {kind.__name__} 的序列。")
    return values  # type: ignore[return-value]  # every element was just looked at


def check_debt(debt: Any) -> None:
    """The date and parts of a debt: no part negative, no kept columns."""
    parts = getattr(debt, "parts", None)
    if not hasattr(debt, "as_of") or not isinstance(parts, Components):
        raise InvalidInput("debt", "欠款应有基准日和各项金额。")
    check_date(debt.as_of, "as_of", "欠款基准日")
    for component, amount in parts:
        check_amount(amount, component.value, "欠款金额")
    check_amount(getattr(debt, "accrued_interest", ZERO), "accrued_interest", "未到期利息")
    for component in (Component.KEPT_INTEREST, Component.KEPT_PENALTY):
        if parts[component]:
            raise InvalidInput(component.value, f"{LABELS[component]}应先并入同类欠款。")
