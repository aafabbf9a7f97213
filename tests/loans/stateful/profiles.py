"""What the machine draws: amounts, shares, and whole products, every combination there can be."""

from __future__ import annotations

from hypothesis import strategies as st

from loans.domain.profile import Method, PenaltyBase, PrepayEffect, ProductProfile, RateKind
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import Rounding
from tests.loans.books import D

FEN_AMOUNTS = st.integers(1, 150_000).map(lambda fen: D(fen) / 100)
PERCENT = st.integers(0, 100).map(lambda n: D(n) / 100)

RATES = {
    RateKind.DAILY: ["0", "0.0001", "0.0003", "0.0004", "0.0005", "0.00065", "0.001"],
    RateKind.ANNUAL: ["0", "0.036", "0.072", "0.144", "0.24", "0.36"],
}
FIELDS: dict[str, st.SearchStrategy[object]] = {
    "year_basis": st.sampled_from([360, 365, 366]),
    "penalty_multiplier": st.sampled_from([D("1.3"), D("1.4"), D("1.5"), D("1.5")]),
    "annual_cap": st.sampled_from([D("0.24"), D("0.24"), D("0.15"), D("0"), None]),
    "cap_year_basis": st.sampled_from([360, 365, 366]),
    "penalty_start_offset": st.sampled_from([0, 0, 1, 2, 5]),
    "as_of_inclusive": st.booleans(),
    "grace_days": st.sampled_from([0, 0, 1, 3, 10]),
    "grace_retroactive": st.booleans(),
    "penalty_base": st.sampled_from(PenaltyBase),
    "compound_on_interest": st.booleans(),
    "round_instalment": st.sampled_from(Rounding),
    "round_interest": st.sampled_from(Rounding),
    "round_penalty": st.sampled_from(Rounding),
    "npl_days": st.sampled_from([90, 90, 30, 0]),
    "npl_principal_first": st.booleans(),
    "prepay_effect": st.sampled_from(PrepayEffect),
    "method": st.sampled_from(Method),
}


def allowed(values: dict[str, object]) -> bool:
    """A profile refuses what no rule allows; everything else is drawn."""
    try:
        ProductProfile(**values)  # type: ignore[arg-type]
    except InvalidInput:
        return False
    return True


@st.composite
def profiles(draw: st.DrawFn) -> ProductProfile:
    kind = draw(st.sampled_from(RateKind))
    drawn = st.fixed_dictionaries(
        FIELDS
        | {
            "code": st.just("drawn"),
            "name": st.just("抽到的产品"),
            "rate_kind": st.just(kind),
            "rate": st.sampled_from([D(rate) for rate in RATES[kind]]),
        }
    )
    return ProductProfile(**draw(drawn.filter(allowed)))  # type: ignore[arg-type]
