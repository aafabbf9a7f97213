"""The quick way to the penalty (whole numbers, base × days) beside the one over runs: the same to the fen."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from loans.domain.components import Component
from loans.domain.facts import InstalmentFacts
from loans.domain.penalty import _weights
from loans.domain.penalty.interest import (
    _explained_by_runs,
    _totals_by_runs,
    explain_penalty,
    penalty_totals,
    principal_penalty,
)
from loans.domain.profile import ProductProfile
from portal.core.kernel.money import FEN
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


@quick
@given(simple_profiles, instalments(), days)
def test_bare_numbers_give_the_same_penalty(
    product: ProductProfile, facts: tuple[InstalmentFacts, ...], as_of: date
) -> None:
    """What the portfolio counts by, where the principal alone bears penalty."""
    penalty_of = principal_penalty(product, as_of)
    has_more = product.compound_on_interest or product.charges_late_fee
    assert penalty_of is None or not has_more
    if penalty_of is None:
        return
    for fact, charges in zip(facts, _totals_by_runs(product, facts, as_of), strict=True):
        paid = [
            (payment.on.toordinal(), payment.fen)
            for payment in fact.payments
            if payment.component is Component.PRINCIPAL and payment.on <= as_of
        ]
        assert (
            penalty_of(fact.due_on.toordinal(), fact.principal_fen, paid) * FEN == charges.penalty
        )
        assert charges.compound == charges.fee == 0
