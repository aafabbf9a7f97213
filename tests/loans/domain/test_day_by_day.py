"""Two ways to one figure: the segments against a count of every night, for every kind of loan."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts, Pause
from loans.domain.penalty.interest import explain_penalty, penalty_totals
from loans.domain.profile import ProductProfile
from tests.loans.domain.day_by_day import Almanac
from tests.loans.domain.strategies import days, quick
from tests.loans.domain.support import LOAN_3, day, profile
from tests.loans.domain.test_properties import instalments, moved, profiles


@st.composite
def pauses(draw: st.DrawFn) -> tuple[Pause, ...]:
    if draw(st.integers(0, 3)):
        return ()
    start, length = draw(days), draw(st.integers(1, 30))
    return (Pause(start, date.fromordinal(start.toordinal() + length), "系统维护"),)


@quick
@given(profiles(), instalments() | moved(), days, pauses())
def test_segments_add_up_to_what_every_night_costs(
    product: ProductProfile,
    facts: tuple[InstalmentFacts, ...],
    as_of: date,
    stops: tuple[Pause, ...],
) -> None:
    story = explain_penalty(product, facts, as_of, pauses=stops)
    almanac = Almanac(product, facts, as_of, stops)

    for fact, item in zip(facts, story.instalments, strict=True):
        penalty, compound = almanac.charges(fact)
        told = {part: Fraction(0) for part in (Component.PENALTY, Component.COMPOUND)}
        for segment in item.segments:
            told[segment.component] += segment.amount_exact
        assert (told[Component.PENALTY], told[Component.COMPOUND]) == (penalty, compound)
        assert (item.total, item.compound) == almanac.rounded(fact)
        assert item.fee == almanac.fee(fact)
    assert penalty_totals(product, facts, as_of, pauses=stops) == tuple(
        item.charges for item in story.instalments
    )


@pytest.mark.parametrize(
    ("as_of", "sums"),
    [
        ("2023-07-10", ["0.00", "0.00", "0.00"]),
        ("2023-07-11", ["0.89", "0.00", "0.00"]),
        ("2023-09-20", ["64.24", "36.89", "9.08"]),
    ],
)
def test_every_night_of_the_published_example(as_of: str, sums: list[str]) -> None:
    almanac = Almanac(profile(), LOAN_3, day(as_of))

    assert [almanac.rounded(fact)[0] for fact in LOAN_3] == [Decimal(total) for total in sums]
