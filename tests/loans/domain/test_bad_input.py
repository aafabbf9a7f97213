"""No rule answers nonsense: whatever is put where, only InvalidInput with a field comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from loans.domain.affordability import Affordability, suggest_plans
from loans.domain.penalty.interest import explain_penalty
from portal.core.kernel import money
from portal.core.kernel.errors import InvalidInput
from tests.loans.domain.support import DEBT_3, LOAN_3, day, profile, yuan
from tests.loans.domain.test_no_floats import CALLS as RULES

HALF = yuan("0.50")
ONE = yuan("1.00")
MONEY: dict[Callable[..., Any], dict[str, Any]] = {
    money.parse: {"text": "1", "minimum": ONE, "maximum": ONE},
    money.require_money: {"value": ONE},
    money.to_fen: {"value": ONE},
    money.from_fen: {"fen": 1},
    money.round_fen: {"value": ONE, "mode": money.Rounding.DOWN},
    money.split: {"total": ONE, "n": 2},
    money.share: {"total": ONE, "weights": [ONE, ONE]},
}
CALLS = RULES | MONEY | {money.require_money: {"value": ONE, "field": "amount"}}

NOT_A_VALUE: list[Any] = [
    True, 1.0, 0.1, float("nan"), float("inf"), 1j, b"1", "", "x", "１２", "\x00", "\ud800", "1" * 5000,
    {}, set(), object(), int, len, [None], [1.0], ["x"], [True], [[]], (None,),
    Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("1E-400"), Decimal("1E999999"),
    Fraction(1, 3), datetime(2024, 1, 10, tzinfo=UTC), timedelta(1), range(3),
    10**30, -(10**30),
]  # fmt: skip
AT_THE_EDGE: list[Any] = [
    None, False, 0, 1, -1, 2**63, [], (), date.min, date.max, date(9998, 12, 31), [date.max],
    Decimal(0), Decimal("-0"), Decimal("-1"), Decimal("0.001"), Decimal(10) ** 15, Decimal("1E-30"),
]  # fmt: skip


def _with_nonsense(arguments: dict[str, Any]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Each argument, each field of a dataclass in it and each first element, as nonsense."""
    for name, value in arguments.items():
        for bad in NOT_A_VALUE + AT_THE_EDGE:
            yield name, bad, {**arguments, name: bad}
            if isinstance(value, list | tuple):
                yield name, bad, {**arguments, name: [bad, *value[1:]]}
            elif name == "debt" and is_dataclass(value) and not isinstance(value, type):
                for field in fields(value):
                    changed = replace(value, **{field.name: bad})
                    yield f"{name}.{field.name}", bad, {**arguments, name: changed}


def _refusal(rule: Callable[..., Any], arguments: dict[str, Any]) -> InvalidInput | None:
    try:
        rule(**arguments)
    except InvalidInput as error:
        return error
    return None


@pytest.mark.parametrize("rule", CALLS, ids=lambda rule: rule.__name__)
def test_nonsense_is_answered_or_refused_by_name(rule: Callable[..., Any]) -> None:
    for name, bad, arguments in _with_nonsense(CALLS[rule]):
        refused = _refusal(rule, arguments)
        assert refused is None or refused.message, (name, bad)
        assert refused is None or refused.field or name == "field", (name, bad)


MEANT = {"field", "code", "name", "reason", "text", "mode"}
EXACT = [rule for rule in CALLS if rule is not money.round_fen]  # rounding is what it is for


@pytest.mark.parametrize("rule", EXACT, ids=lambda rule: rule.__name__)
def test_what_is_no_value_is_never_taken_for_one(rule: Callable[..., Any]) -> None:
    for name, value in CALLS[rule].items():
        if name in MEANT or isinstance(value, bool):
            continue
        for bad in NOT_A_VALUE:
            with pytest.raises(InvalidInput):
                rule(**{**CALLS[rule], name: bad})


@pytest.mark.parametrize("bad", [1.0, yuan("NaN"), "1", True])
@pytest.mark.parametrize("field", ["left_over", "guide", "limit"])
def test_what_one_can_afford_is_money(field: str, bad: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        Affordability(**{"left_over": ONE, "guide": ONE, "limit": ONE, "share": HALF, field: bad})

    assert caught.value.field == field


def test_a_debt_is_asked_for_before_plans_are_suggested() -> None:
    can = Affordability(None, None, yuan("600.00"), HALF)

    with pytest.raises(InvalidInput) as caught:
        suggest_plans(profile(), None, can, first_due_on=day("2023-11-10"), max_terms=60)  # type: ignore[arg-type]

    assert caught.value.field == "debt"
    assert suggest_plans(
        profile(), DEBT_3, can, first_due_on=day("2023-11-10"), max_terms=60
    ).closest


def test_the_last_day_that_counts_is_explained_whole() -> None:
    product = profile(as_of_inclusive=True, penalty_start_offset=31)

    story = explain_penalty(product, LOAN_3, day("9990-12-31"))

    assert story.instalments[0].segments[-1].to_on == day("9991-01-01")


@pytest.mark.parametrize("finer", ["1E-21", "1E-999999", "0.000400000000000000001"])
def test_a_rate_finer_than_any_contract_is_refused(finer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        profile(finer)

    assert caught.value.field == "rate"
