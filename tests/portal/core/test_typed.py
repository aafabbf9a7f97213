"""Counts and dates that people type: what a Chinese keyboard makes is understood, tricks are not."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import ValidationError

from portal.core.fields import DayField, WholeNumberField
from portal.core.kernel.typed import fold_wide


@pytest.mark.parametrize(
    ("typed", "meant"), [("12", 12), (" 12 ", 12), ("１２", 12), ("-5", -5), ("007", 7), (3, 3)]
)
def test_a_count_as_people_type_it(typed: object, meant: int) -> None:
    assert WholeNumberField().clean(typed) == meant


TRICKS = [
    "1_2", "+5", "1e3", "0x10", "5.0", "5.", "1 2", "1,000", "١٢", "१२", "一二", "²", "②", "½", "−5", "NaN",
    "1\u200b2", "\ufeff1", "\u202e12", "1\x002", "9223372036854775808", "9" * 5000, "--5", "0b1",
]  # fmt: skip


@pytest.mark.parametrize("typed", TRICKS, ids=range(len(TRICKS)))
def test_other_spellings_are_no_count(typed: str) -> None:
    with pytest.raises(ValidationError, match="请填写整数"):
        WholeNumberField(error_messages={"invalid": "请填写整数"}).clean(typed)


@pytest.mark.parametrize(
    "typed",
    ["2026-12-08", " 2026-12-08 ", "2026/12/8", "2026.12.8", "2026年12月8日", "２０２６-１２-０８", "２０２６／１２／８"],
)  # fmt: skip
def test_a_day_as_people_type_it(typed: str) -> None:
    assert DayField().clean(typed) == date(2026, 12, 8)


NO_DAYS = [
    "2025-02-29", "0000-00-00", "2025-13-01", "2026-12-32", "26-12-08", "12/08/2026", "20261208", "2026-W50-2",
    "٢٠٢٦-١٢-٠٨", "2026-12-08T00:00", "10000-01-01", "-2026-12-08", "2026-12-\x0008", "9" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("typed", NO_DAYS, ids=range(len(NO_DAYS)))
def test_other_spellings_are_no_day(typed: str) -> None:
    with pytest.raises(ValidationError, match="年-月-日"):
        DayField(error_messages={"invalid": "请按“年-月-日”填写"}).clean(typed)


def test_empty_is_nothing() -> None:
    assert WholeNumberField(required=False).clean("") is None
    assert DayField(required=False).clean("") is None


def test_only_full_width_signs_are_folded() -> None:
    assert fold_wide("￥１２．５％") == "¥12.5%"
    assert fold_wide("²①١٢") == "²①١٢"
