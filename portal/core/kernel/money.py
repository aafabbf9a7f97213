"""Money as exact yuan: what people type, what is stored, and how it is rounded and shared.

Amounts are `Decimal` yuan with two places; floats are refused everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from enum import StrEnum

from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.typed import plain

ZERO = Decimal("0.00")
FEN = Decimal("0.01")
MAXIMUM = Decimal("99999999.99")

_TOO_MUCH = Decimal(10) ** 16
_MOST_PARTS = 9999
_MAX_TYPED = 40  # characters; longer than any amount anybody means
_TYPED = re.compile(r"(?P<yuan>0|[1-9]\d{0,14}|[1-9]\d{0,2}(?:,\d{3})+)(?:\.(?P<fen>\d+))?", re.A)
_HANZI_NUMBER = re.compile(r"[〇零一二三四五六七八九十百千万亿两壹贰叁肆伍陆柒捌玖拾佰仟萬億]")


class Rounding(StrEnum):
    """How a charge becomes whole fen; both are found in published ledgers of lenders."""

    HALF_UP = "HALF_UP"
    DOWN = "DOWN"


_MODES = {Rounding.HALF_UP: ROUND_HALF_UP, Rounding.DOWN: ROUND_DOWN}


def parse(
    text: str,
    *,
    field: str = "amount",
    label: str = "金额",
    minimum: Decimal = FEN,
    maximum: Decimal = MAXIMUM,
) -> Decimal:
    """Yuan from what a person typed; the only parser of typed money.

    What `plain` cleans, a leading ¥, a trailing 元 and properly grouped commas are understood;
    other scripts' digits, exponents, hexadecimal, signs and more than two decimals are refused
    with InvalidInput(field, sentence). `parse("¥１,２３４．５")` is Decimal("1234.50").
    """
    if not isinstance(text, str):
        raise InvalidInput(field, f"{label}应为文字")
    require_money(minimum, "minimum")
    require_money(maximum, "maximum")
    normalized = _normalized(text, field, label)
    if normalized[0] == "-":
        raise InvalidInput(field, f"{label}不能是负数，请填写大于 0 的数字，例如 100.00")
    if _HANZI_NUMBER.search(normalized):
        raise InvalidInput(field, f"{label}请用阿拉伯数字填写，例如 100.00，不要用汉字数字")
    match = _TYPED.fullmatch(normalized)
    if match is None:
        raise InvalidInput(field, f"{label}看不懂，请只填数字，例如 1234.56")
    if len(match["fen"] or "") > 2:
        raise InvalidInput(field, f"{label}最多两位小数（精确到分），请改成例如 100.01")
    value = Decimal(normalized.replace(",", "")).quantize(FEN)
    if value < minimum:
        raise InvalidInput(field, f"{label}至少是 {minimum:,.2f} 元，请改大一些")
    if value > maximum:
        raise InvalidInput(field, f"{label}不能超过 {maximum:,.2f} 元，请改小一些")
    return value


def _normalized(text: str, field: str, label: str) -> str:
    """The text as ASCII without ¥ and 元; never empty."""
    if len(text) > _MAX_TYPED:
        raise InvalidInput(field, f"{label}太长，请只填数字，例如 1234.56")
    folded = plain(text).removeprefix("¥").removesuffix("元").strip()
    if not folded:
        raise InvalidInput(field, f"请填写{label}，例如 100.00")
    return folded


def require_money(value: object, field: str) -> Decimal:
    """`value` as Decimal yuan of whole fen, two places; else InvalidInput.

    `require_money(Decimal("1.5"), "paid")` is Decimal("1.50"); 1.5 and Decimal("0.005") are refused.
    """
    if not isinstance(value, Decimal):
        raise InvalidInput(field, f"金额必须是 Decimal，不能是 {type(value).__name__}")
    if not value.is_finite():
        raise InvalidInput(field, "金额必须是有限的数")
    if abs(value) >= _TOO_MUCH:
        raise InvalidInput(field, "金额太大")
    exact = value.quantize(FEN)
    if exact != value:
        raise InvalidInput(field, f"金额必须精确到分，不能是 {value}")
    return exact + ZERO  # turns -0.00 into 0.00


def to_fen(value: Decimal) -> int:
    """Whole fen of an exact amount: Decimal("1.50") is 150; InvalidInput if finer than a fen."""
    return int(require_money(value, "amount").scaleb(2))


def from_fen(fen: int) -> Decimal:
    """Yuan with two places of whole fen: 150 is Decimal("1.50")."""
    if isinstance(fen, bool) or not isinstance(fen, int) or abs(fen) >= 100 * _TOO_MUCH:
        raise InvalidInput("fen", "金额应为整数分，且小于一亿亿元")
    return Decimal(fen).scaleb(-2)


def round_fen(value: Decimal, mode: Rounding = Rounding.HALF_UP) -> Decimal:
    """`value` yuan as whole fen: Decimal("0.885") is 0.89 HALF_UP, 0.88 DOWN (loans/RULES.md §1)."""
    if not isinstance(value, Decimal) or not value.is_finite() or abs(value) >= _TOO_MUCH:
        raise InvalidInput("value", "金额必须是有限的 Decimal，且小于一亿亿元")
    if not isinstance(mode, str) or mode not in _MODES:
        raise InvalidInput("mode", "舍入方式应为 HALF_UP 或 DOWN")
    return value.quantize(FEN, rounding=_MODES[mode]) + ZERO


def split(total: Decimal, n: int) -> tuple[Decimal, ...]:
    """`total` yuan in n parts: DOWN(total/n) each, the last takes the rest (loans/RULES.md §6).

    `split(Decimal("6110.12"), 12)` is eleven times 509.17 and then 509.25.
    """
    fen = to_fen(total)
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= _MOST_PARTS:
        raise InvalidInput("n", f"期数应为 1 到 {_MOST_PARTS} 的整数")
    if fen < 0:
        raise InvalidInput("total", "要分摊的金额不能是负数")
    base = fen // n
    return (*(from_fen(base),) * (n - 1), from_fen(fen - base * (n - 1)))


def share(total: Decimal, weights: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """`total` yuan in proportion to `weights` by largest remainder; ties go to the earlier part.

    `share(Decimal("1.00"), [Decimal(1)] * 3)` is (0.34, 0.33, 0.33). The sum is always `total`.
    """
    fen = to_fen(total)
    if not isinstance(weights, list | tuple):
        raise InvalidInput("weights", "权重应为列表")
    pieces = [int(require_money(weight, "weights").scaleb(2)) for weight in weights]
    total_weight = sum(pieces)
    if fen < 0 or any(piece < 0 for piece in pieces):
        raise InvalidInput("total", "要分摊的金额和权重不能是负数")
    if total_weight == 0:
        if fen:
            raise InvalidInput("weights", "权重不能全是 0")
        return (ZERO,) * len(weights)
    exact = [divmod(fen * piece, total_weight) for piece in pieces]
    parts = [quotient for quotient, _ in exact]
    by_remainder = sorted(range(len(parts)), key=lambda index: (-exact[index][1], index))
    for index in by_remainder[: fen - sum(parts)]:
        parts[index] += 1
    return tuple(from_fen(part) for part in parts)


def signed(amount: Decimal) -> str:
    """A change in yuan with its sign and thousands: 64.24 → "+64.24", −1234.5 → "−1,234.50"."""
    sign = "+" if amount > 0 else "−" if amount < 0 else ""
    return f"{sign}{abs(amount):,.2f}"
