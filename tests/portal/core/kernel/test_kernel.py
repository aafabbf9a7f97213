"""Roles, digests, phones and names."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from portal.core.kernel import digests, phones
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Role, rank_at_least

FULL_WIDTH = {ord(c): ord(c) + 0xFEE0 for c in "0123456789"}


@pytest.mark.parametrize(
    ("rank", "needed", "answer"),
    [
        ("MANAGER", "REVIEWER", True),
        ("SUPERVISOR", "SUPERVISOR", True),
        ("REVIEWER", "SUPERVISOR", False),
        ("AUDITOR", "REVIEWER", False),
        ("AUDITOR", "AUDITOR", True),
        ("", "AUDITOR", False),
    ],
)
def test_rank_at_least(rank: str, needed: str, answer: bool) -> None:
    assert rank_at_least(rank, needed) is answer


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        (Decimal("1.5"), '"1.50"'),
        (Decimal("12"), '"12.00"'),
        (Decimal("1E+3"), '"1000.00"'),
        (Decimal("0.000400"), '"0.0004"'),
        (Decimal("-0.0"), '"0.00"'),
        (date(2026, 3, 2), '"2026-03-02"'),
        (datetime(2026, 3, 2, 2, tzinfo=UTC), '"2026-03-02T02:00:00+00:00"'),
        (
            datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Asia/Shanghai")),
            '"2026-03-02T02:00:00+00:00"',
        ),
        (Role.STAFF, '"STAFF"'),
        ("减免", '"减免"'),
    ],
)
def test_canonical_json(value: object, text: str) -> None:
    assert digests.canonical_json(value) == text


@pytest.mark.parametrize(
    "value", [1.5, {1: 2}, datetime.fromisoformat("2026-03-02"), {1, 2}, Decimal("NaN")]
)
def test_canonical_json_refuses(value: object) -> None:
    with pytest.raises(TypeError):
        digests.canonical_json(value)


def test_digest_ignores_the_order_of_keys_and_tells_one_fen() -> None:
    one = digests.digest_of({"a": Decimal("1.00"), "b": 2})

    assert one == digests.digest_of({"b": 2, "a": Decimal("1")})
    assert one != digests.digest_of({"a": Decimal("1.01"), "b": 2})


def test_short_code() -> None:
    assert digests.short_code("x") == digests.short_code("x")
    assert digests.short_code("x") != digests.short_code("y")
    assert len(digests.short_code("x", 8)) == 8
    assert set(digests.short_code("x", 40)) <= set(digests.UNAMBIGUOUS)


@pytest.mark.parametrize(
    ("typed", "phone"),
    [
        ("13800000001", "13800000001"),
        (" 138 0000 0001 ", "13800000001"),
        ("138-0000-0001", "13800000001"),
        ("+86 13800000001", "13800000001"),
        ("008613800000001", "13800000001"),
        ("13800000001".translate(FULL_WIDTH), "13800000001"),
        ("\u202d+86 138\u2011 0000\u20110001\u202c", "13800000001"),
        ("\ufeff（0086）138–0000—0001\u200e", "13800000001"),
        ("＋８６" + "13800000001".translate(FULL_WIDTH), "13800000001"),
    ],
)
def test_parse_phone(typed: str, phone: str) -> None:
    assert phones.parse_phone(typed) == phone


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "  ",
        "12345",
        "12800000001",
        "010-88886666",
        "138000000011",
        "+1 13800000001",
        "①38",
        "1380000000a",
        "1" * 500,
        "13800000001\x00",
        "१३८००००००००",
        "a@b.cn",
    ],
)
def test_parse_phone_refuses(typed: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        phones.parse_phone(typed)

    assert refusal.value.field == "phone"
    assert "手机号" in refusal.value.message


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("林小云", "林*云"),
        ("李雷", "李*"),
        ("欧阳小云", "欧**云"),
        ("阿依努尔·买买提江", "阿**江"),
        ("林", "林*"),
        ("", "*"),
    ],
)
def test_mask_name(name: str, masked: str) -> None:
    assert phones.mask_name(name) == masked


def test_mask_phone() -> None:
    assert phones.mask_phone("13800000001") == "138****0001"
    assert phones.mask_phone("") == "****"
