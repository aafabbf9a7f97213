"""What people type and paste: what was meant is understood, tricks are not."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import ValidationError

from portal.core.fields import DayField, WholeNumberField
from portal.core.kernel.typed import compact, person_name, plain


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("12", 12),
        (" 12 ", 12),
        ("１２", 12),
        ("-5", -5),
        ("−5", -5),
        ("\ufeff12", 12),
        ("007", 7),
        (3, 3),
    ],
)
def test_a_count_as_people_type_it(typed: object, meant: int) -> None:
    assert WholeNumberField().clean(typed) == meant


TRICKS = [
    "1_2", "+5", "1e3", "0x10", "5.0", "5.", "1 2", "1,000", "١٢", "१२", "一二", "²", "②", "½", "NaN",
    "\u202e12", "1\x002", "9223372036854775808", "9" * 5000, "--5", "0b1",
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


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("\u202d138 0000 0001\u202c", "138 0000 0001"),
        ("\u2068138\u20690000\u200e0001\u200f", "13800000001"),
        ("\ufeff1\u200b2\u00ad3", "123"),
        ("1‐2‑3‒4–5—6―7−8﹣9－0", "1-2-3-4-5-6-7-8-9-0"),
        ("\u3000Ａｂ\u00a01\u2009２\t", "Ab 1 2"),
        ("￥１２．５％", "¥12.5%"),
        ("²①١٢", "²①١٢"),
        ("\u202e12", "\u202e12"),
        ("林小云𠮷", "林小云𠮷"),
    ],
)
def test_signs_are_plain_where_plain_ones_were_meant(pasted: str, meant: str) -> None:
    assert plain(pasted) == meant


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("（+86）138–0000 0001", "+8613800000001"),
        ("【123 456】", "123456"),
        ("「ｋ１００１」", "k1001"),
        ("“7KQ2-M9X4-TZBD”", "7KQ2M9X4TZBD"),
        ("<b>", "<b>"),
    ],
)
def test_a_code_loses_what_only_groups_it(pasted: str, meant: str) -> None:
    assert compact(pasted) == meant


@pytest.mark.parametrize("dot", "·•・‧∙⋅･.．")
def test_every_dot_of_a_keyboard_is_the_one_of_identity_documents(dot: str) -> None:
    assert person_name(f"阿依古丽{dot}买买提") == "阿依古丽·买买提"


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("李\u3000雷", "李雷"),
        ("\u202d林小云\u202c\n", "林小云"),
        ("阿依古丽 · 买买提", "阿依古丽·买买提"),
        ("\u2fbc小云", "高小云"),
        ("𠮷田", "𠮷田"),
        ("Ｊ．  Smith‑O’Brien", "J. Smith-O'Brien"),
    ],
)
def test_a_name_as_identity_documents_have_it(pasted: str, meant: str) -> None:
    assert person_name(pasted) == meant
