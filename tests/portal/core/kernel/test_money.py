"""Typed money (and what people type instead), rounding and sharing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.kernel import money
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import Rounding

ACCEPTED = [
    ("100", "100.00"),
    ("0.01", "0.01"),
    ("1.5", "1.50"),
    (" 12.30 ", "12.30"),
    ("１２３", "123.00"),
    ("１２３．４５", "123.45"),
    ("1,000.00", "1000.00"),
    ("1，000，000", "1000000.00"),
    ("¥100", "100.00"),
    ("￥100", "100.00"),
    ("100元", "100.00"),
    ("¥ 1,234.5 元", "1234.50"),
    ("\u3000100\u3000", "100.00"),
    ("99999999.99", "99999999.99"),
    ("\u202d1,234.50\u202c", "1234.50"),
    ("1\u200b0", "10.00"),
]
REFUSED = [
    ("", "请填写金额"),
    ("   ", "请填写金额"),
    ("¥", "请填写金额"),
    ("-1", "不能是负数"),
    ("0", "至少"),
    ("-0", "不能是负数"),
    ("0.001", "两位小数"),
    ("0.005", "两位小数"),
    ("1E400", "看不懂"),
    ("1e3", "看不懂"),
    ("NaN", "看不懂"),
    ("sNaN", "看不懂"),
    ("Infinity", "看不懂"),
    ("inf", "看不懂"),
    ("壹佰", "阿拉伯数字"),
    ("1万", "阿拉伯数字"),
    ("²", "看不懂"),
    ("10²", "看不懂"),
    ("①", "看不懂"),
    ("−5", "不能是负数"),
    ("－5", "不能是负数"),
    ("9" * 5000, "太长"),
    ("99999999999999.99", "不能超过"),
    ("100000000", "不能超过"),
    ("0x10", "看不懂"),
    ("1_000", "看不懂"),
    ("+5", "看不懂"),
    (".5", "看不懂"),
    ("5.", "看不懂"),
    ("007", "看不懂"),
    ("1,00", "看不懂"),
    ("1,0000", "看不懂"),
    (",100", "看不懂"),
    ("1 000", "看不懂"),
    ("1.2.3", "看不懂"),
    ("١٢٣", "看不懂"),
    ("१२३", "看不懂"),
    ("𝟏𝟐𝟑", "看不懂"),
    ("1\x00", "看不懂"),
    ("\u202e10", "看不懂"),
    ("$5", "看不懂"),
    ("abc", "看不懂"),
    ("1;2", "看不懂"),
]


@pytest.mark.parametrize(("typed", "yuan"), ACCEPTED)
def test_parse_understands(typed: str, yuan: str) -> None:
    value = money.parse(typed)

    assert str(value) == yuan


@pytest.mark.parametrize(("typed", "sentence"), REFUSED)
def test_parse_refuses_with_a_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        money.parse(typed, field="paid", label="金额")

    assert refusal.value.field == "paid"
    assert sentence in refusal.value.message


@given(st.text(max_size=60))
@settings(max_examples=150)
def test_parse_never_raises_anything_else(typed: str) -> None:
    try:
        value = money.parse(typed)
    except InvalidInput:
        return
    assert value == value.quantize(money.FEN)


@pytest.mark.parametrize("value", [1.5, 1, "1.00", None, True, Decimal("NaN"), Decimal("0.005")])
def test_require_money_refuses(value: object) -> None:
    with pytest.raises(InvalidInput):
        money.require_money(value, "paid")


def test_fen_round_trip() -> None:
    assert money.to_fen(Decimal("1.50")) == 150
    assert str(money.from_fen(150)) == "1.50"
    assert str(money.require_money(Decimal("-0.00"), "x")) == "0.00"


@pytest.mark.parametrize(
    ("value", "half_up", "down"),
    [("0.885", "0.89", "0.88"), ("65.7534", "65.75", "65.75"), ("2.675", "2.68", "2.67")],
)
def test_round_fen(value: str, half_up: str, down: str) -> None:
    assert str(money.round_fen(Decimal(value))) == half_up
    assert str(money.round_fen(Decimal(value), Rounding.DOWN)) == down


@pytest.mark.parametrize(
    ("total", "n", "each", "last"),
    [
        ("6110.12", 12, "509.17", "509.25"),
        ("64.60", 12, "5.38", "5.42"),
        ("0.01", 3, "0.00", "0.01"),
        ("100.00", 1, None, "100.00"),
    ],
)
def test_split_leaves_the_rest_to_the_last(total: str, n: int, each: str | None, last: str) -> None:
    parts = money.split(Decimal(total), n)

    assert len(parts) == n
    assert str(parts[-1]) == last
    assert {str(part) for part in parts[:-1]} == ({each} if each else set())
    assert sum(parts) == Decimal(total)


@given(
    st.integers(0, 10**9).map(money.from_fen),
    st.lists(st.integers(0, 10**6).map(Decimal), min_size=1, max_size=8).filter(any),
)
@settings(max_examples=100)
def test_share_sums_to_the_total(total: Decimal, weights: list[Decimal]) -> None:
    parts = money.share(total, weights)

    assert sum(parts) == total
    whole = sum(weights)
    assert all(
        abs(part - total * weight / whole) < money.FEN
        for part, weight in zip(parts, weights, strict=True)
    )


def test_share_by_largest_remainder() -> None:
    parts = money.share(Decimal("1.00"), [Decimal(1)] * 3)

    assert [str(part) for part in parts] == ["0.34", "0.33", "0.33"]
