"""The arithmetic of a debt's parts: exact, part by part, in one order, and never in floats."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.domain.components import LABELS, Component, Components
from loans.models import RECEIVABLES, Account
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO
from tests.loans.domain.strategies import fen

ORDER = ["principal", "interest", "penalty", "compound", "fee", "kept_interest", "kept_penalty"]
PARTS = st.builds(Components, *(fen(-1_000_000, 1_000_000) for _ in ORDER))


@given(PARTS, PARTS)
def test_addition_goes_part_by_part(one: Components, other: Components) -> None:
    both = one + other

    assert both == other + one
    assert [both[name] for name in ORDER] == [one[name] + other[name] for name in ORDER]
    assert both.total == one.total + other.total


@given(PARTS, PARTS, PARTS)
def test_sums_do_not_depend_on_their_order(a: Components, b: Components, c: Components) -> None:
    assert (a + b) + c == a + (b + c) == Components.summed([c, a, b])


@given(PARTS, PARTS)
def test_subtraction_undoes_addition(one: Components, other: Components) -> None:
    assert (one + other) - other == one
    assert not one - one


@given(PARTS)
def test_nothing_is_neutral(one: Components) -> None:
    assert one + Components() == one - Components() == Components.summed([one]) == one
    assert Components.summed([]) == Components()


@given(PARTS)
def test_iteration_is_in_the_stated_order_and_adds_up(one: Components) -> None:
    assert [component.value for component, _ in one] == ORDER
    assert [amount for _, amount in one] == [getattr(one, name) for name in ORDER]
    assert sum((amount for _, amount in one), ZERO) == one.total


@given(PARTS)
def test_it_comes_back_from_json(one: Components) -> None:
    assert Components.from_json(json.loads(json.dumps(one.as_json()))) == one


@given(PARTS)
def test_joining_the_kept_columns_keeps_the_total(one: Components) -> None:
    joined = one.with_kept_joined

    assert joined.total == one.total
    assert joined.kept_interest == joined.kept_penalty == ZERO
    assert joined.charges == one.charges
    assert joined.principal + joined.interest + joined.charges == one.total


@given(PARTS)
def test_it_is_false_only_when_every_part_is_nothing(one: Components) -> None:
    assert bool(one) == any(one[name] for name in ORDER)


def test_parts_that_cancel_are_not_nothing() -> None:
    difference = Components(principal=Decimal("1.00"), fee=Decimal("-1.00"))

    assert difference.total == ZERO
    assert difference


@pytest.mark.parametrize("name", ORDER)
@pytest.mark.parametrize("wrong", [1.0, 1, "1.00", None, Decimal("0.005"), Decimal("NaN")])
def test_what_is_no_money_is_refused_by_name(name: str, wrong: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        Components(**{name: wrong})  # type: ignore[arg-type]

    assert caught.value.field == name


def test_a_stored_float_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Components.from_json({"penalty": 0.5})


def test_every_part_has_two_places() -> None:
    told = Components(Decimal(1), Decimal("2.5"), Decimal("-0.00")).as_json()

    assert (told["principal"], told["interest"], told["penalty"]) == ("1.00", "2.50", "0.00")


def test_accounts_of_the_books_read_it_by_their_name() -> None:
    owed = Components(**{name: Decimal(n) for n, name in enumerate(ORDER, 1)})

    assert [owed[account] for account in RECEIVABLES] == [owed[c] for c in Component]
    with pytest.raises(KeyError):
        owed[Account.CASH]
    with pytest.raises(KeyError):
        owed["total"]
    assert set(LABELS) == set(Component)


def test_other_things_are_not_added_and_nothing_is_changed() -> None:
    with pytest.raises(TypeError):
        Components() + ZERO  # type: ignore[operator]
    with pytest.raises(FrozenInstanceError):
        Components().fee = ZERO  # type: ignore[misc]


def test_stored_terms_say_what_they_waive() -> None:
    terms = {
        "waive_penalty": "96.90",
        "waive_fee": "1.00",
        "delay_waiver": "4.80",
        "term_count": 12,
    }

    assert Components.waived_by(terms) == Components(penalty=Decimal("96.90"), fee=Decimal("1.00"))
    assert Components.waived_by({}) == Components()
    with pytest.raises(InvalidInput):
        Components.waived_by({"waive_penalty": 96.9})
