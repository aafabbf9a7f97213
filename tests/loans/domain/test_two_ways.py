"""The quick way to the penalty (whole numbers, base × days) beside the one over runs: the same to the fen."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from loans.domain.facts import InstalmentFacts
from loans.domain.penalty import _weights
from loans.domain.penalty.interest import (
    _explained_by_runs,
    _totals_by_runs,
    explain_penalty,
    penalty_totals,
)
from loans.domain.profile import ProductProfile
from tests.loans.domain.strategies import days, quick
from tests.loans.domain.test_properties import instalments, moved, profiles

plain = {"grace_days": 0, "penalty_base": "due_principal"}
simple_profiles = st.one_of(
    profiles(annual_cap=None, grace_days=0),
    profiles(**plain, compound_on_interest=False),
)


@quick
@given(simple_profiles, instalments() | moved(), days)
def test_whole_explanations_are_equal(
    product: ProductProfile, facts: tuple[InstalmentFacts, ...], as_of: date
) -> None:
    quickly, by_runs = (
        explain_penalty(product, facts, as_of),
        _explained_by_runs(product, facts, as_of),
    )

    for name in ("total", "ordinary_part", "surcharge_part", "capped_part", "compound", "fee"):
        assert getattr(quickly, name) == getattr(by_runs, name), name
    assert quickly.per_day == by_runs.per_day
    for item, expected in zip(quickly.instalments, by_runs.instalments, strict=True):
        assert item == expected
        assert bool(item.segments) == bool(expected.segments)
    assert penalty_totals(product, facts, as_of) == _totals_by_runs(product, facts, as_of)


def test_the_simple_profiles_are_counted_the_quick_way() -> None:
    """Else the test above would compare the runs with themselves."""
    found: set[bool] = set()

    @quick
    @given(simple_profiles)
    def look(product: ProductProfile) -> None:
        found.add(_weights.scales_of(product) is not None)

    look()

    assert True in found
