"""Allocation of a payment, one rule a row."""

from __future__ import annotations

from typing import Any

import pytest

from loans.domain.allocation import InstalmentDue, Prepayable, allocate, payoff
from loans.domain.components import Component, Components
from portal.core.kernel.errors import InvalidInput
from tests.loans.domain.support import day, profile, yuan


def due(number: int, due_on: str, **owed: str) -> InstalmentDue:
    return InstalmentDue(number, day(due_on), Components.from_json(owed))


FULL = {"principal": "100.00", "interest": "10.00", "penalty": "5.00", "compound": "2.00", "fee": "1.00"}  # fmt: skip
A = due(1, "2024-01-10", **FULL)
B = due(2, "2024-02-10", **FULL)
TODAY = due(2, "2024-02-20", principal="100.00", interest="10.00")
LATER = due(3, "2024-03-20", principal="100.00", interest="10.00")
PLAN = due(1, "2024-01-10", principal="100.00", interest="10.00", kept_interest="4.00", kept_penalty="3.00")  # fmt: skip
PLAN_2 = due(2, "2024-02-10", principal="100.00", kept_interest="4.00", kept_penalty="3.00")
LATE_PLAN = due(1, "2024-01-10", principal="100.00", penalty="2.00", kept_penalty="3.00")
AHEAD = Prepayable(yuan("500.00"), yuan("3.00"))

ROWS: list[tuple[str, str, list[InstalmentDue], str, list[str], dict[str, Any]]] = [
    ("fee first", "1.00", [A], "2024-02-20", ["1 fee 1.00"], {}),
    ("then compound", "2.50", [A], "2024-02-20", ["1 fee 1.00", "1 compound 1.50"], {}),
    ("then penalty", "8.00", [A], "2024-02-20", ["1 fee 1.00", "1 compound 2.00", "1 penalty 5.00"], {}),
    ("then interest", "9.00", [A], "2024-02-20", ["1 fee 1.00", "1 compound 2.00", "1 penalty 5.00", "1 interest 1.00"], {}),
    ("principal last", "18.01", [A], "2024-02-20", ["1 fee 1.00", "1 compound 2.00", "1 penalty 5.00", "1 interest 10.00", "1 principal 0.01"], {}),
    ("oldest first, wholly", "119.00", [B, A], "2024-02-20", ["1 fee 1.00", "1 compound 2.00", "1 penalty 5.00", "1 interest 10.00", "1 principal 100.00", "2 fee 1.00"], {}),
    ("day 90 is ordinary", "1.00", [A, B], "2024-04-09", ["1 fee 1.00"], {}),
    ("day 91: principal across the instalments", "150.00", [A, B], "2024-04-10", ["1 principal 100.00", "2 principal 50.00"], {}),
    ("day 91: then interest", "215.00", [A, B], "2024-04-10", ["1 principal 100.00", "2 principal 100.00", "1 interest 10.00", "2 interest 5.00"], {}),
    ("day 91: fee last", "235.00", [A, B], "2024-04-10", ["1 principal 100.00", "2 principal 100.00", "1 interest 10.00", "2 interest 10.00", "1 compound 2.00", "2 compound 2.00", "1 penalty 5.00", "2 penalty 5.00", "1 fee 1.00"], {}),
    ("day 91 with the switch off", "1.00", [A, B], "2024-04-10", ["1 fee 1.00"], {"npl_principal_first": False}),
    ("the limit is a parameter", "100.00", [A], "2024-02-10", ["1 principal 100.00"], {"npl_days": 30}),
    ("a settled old instalment does not count", "1.00", [due(1, "2023-01-10"), B], "2024-04-10", ["2 fee 1.00"], {}),
    ("91 days over a leap day", "1.00", [due(1, "2023-12-01", principal="5.00", fee="5.00")], "2024-03-01", ["1 principal 1.00"], {}),
    ("nothing overdue: interest, then principal", "15.00", [TODAY], "2024-02-20", ["2 interest 10.00", "2 principal 5.00"], {}),
    ("due before not yet due", "112.00", [LATER, TODAY], "2024-02-20", ["2 interest 10.00", "2 principal 100.00", "3 interest 2.00"], {}),
    ("day 91: what is not due comes after", "221.00", [A, due(9, "2024-12-10", principal="100.00"), B], "2024-04-10", ["1 principal 100.00", "2 principal 100.00", "1 interest 10.00", "2 interest 10.00", "1 compound 1.00"], {}),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_allocation_by_rule(row: Any) -> None:
    _, amount, dues, as_of, expected, changes = row

    split = allocate(profile(**changes), yuan(amount), dues, day(as_of))

    assert [f"{x.instalment} {x.component} {x.amount}" for x in split.lines] == expected


@pytest.mark.parametrize(
    ("rule", "amount", "dues", "expected"),
    [
        ("kept penalty, kept interest, interest, principal", "20.00", [PLAN], ["1 kept_penalty 3.00", "1 kept_interest 4.00", "1 interest 10.00", "1 principal 3.00"]),
        ("oldest plan instalment first", "118.00", [PLAN_2, PLAN], ["1 kept_penalty 3.00", "1 kept_interest 4.00", "1 interest 10.00", "1 principal 100.00", "2 kept_penalty 1.00"]),
        ("its own late penalty before", "4.00", [LATE_PLAN], ["1 penalty 2.00", "1 kept_penalty 2.00"]),
    ],
)  # fmt: skip
def test_plan_allocation(
    rule: str, amount: str, dues: list[InstalmentDue], expected: list[str]
) -> None:
    split = allocate(profile(), yuan(amount), dues, day("2024-02-20"), plan=True)

    assert [f"{x.instalment} {x.component} {x.amount}" for x in split.lines] == expected
    assert split.order == "plan"


def test_plan_order_holds_after_91_days_too() -> None:
    split = allocate(profile(), yuan("1.00"), [PLAN], day("2024-12-20"), plan=True)

    assert split.lines[0].component is Component.KEPT_PENALTY


def test_more_than_due_is_prepayment_with_interest_to_the_day() -> None:
    split = allocate(profile(), yuan("160.00"), [TODAY], day("2024-02-20"), prepayable=AHEAD)

    assert split.remainder == yuan("50.00")
    assert [(x.instalment, x.component, x.amount) for x in split.lines[2:]] == [
        (None, Component.INTEREST, yuan("3.00")),
        (None, Component.PRINCIPAL, yuan("47.00")),
    ]
    assert split.total(Component.INTEREST) == yuan("13.00")
    assert split.total(Component.INTEREST, 2) == yuan("10.00")


def test_exact_pay_off_is_taken_whole() -> None:
    limit = payoff([A, B], AHEAD)

    split = allocate(profile(), limit, [A, B], day("2024-02-20"), prepayable=AHEAD)

    assert limit == yuan("739.00")
    assert sum(line.amount for line in split.lines) == limit


def test_one_fen_above_the_pay_off_is_refused_with_the_amount() -> None:
    with pytest.raises(InvalidInput, match=r"739\.00") as caught:
        allocate(profile(), yuan("739.01"), [A, B], day("2024-02-20"), prepayable=AHEAD)

    assert caught.value.field == "amount"


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "0.001", "NaN", "Infinity", "1E+30"])
def test_impossible_amounts_name_the_field(amount: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        allocate(profile(), yuan(amount), [A], day("2024-02-20"))

    assert caught.value.field == "amount"


def test_the_same_instalment_twice_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        allocate(profile(), yuan("1.00"), [A, A], day("2024-02-20"))

    assert caught.value.field == "dues"
