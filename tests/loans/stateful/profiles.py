"""What the machine draws: amounts, shares, and a product for each turn that a rule can take."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from loans.domain.profile import Method, PenaltyBase, ProductProfile, RateKind
from portal.core.kernel.money import Rounding
from tests.loans.books import EXAMPLE, D

FEN_AMOUNTS = st.integers(1, 150_000).map(lambda fen: D(fen) / 100)
PERCENT = st.integers(0, 100).map(lambda n: D(n) / 100)

PROFILES: tuple[ProductProfile, ...] = (
    EXAMPLE,
    replace(EXAMPLE, code="capped", rate=D("0.0005")),
    replace(EXAMPLE, code="free", annual_cap=None, penalty_multiplier=D("1.3")),
    replace(
        EXAMPLE,
        code="yearly",
        rate_kind=RateKind.ANNUAL,
        rate=D("0.144"),
        method=Method.INTEREST_ONLY,
        round_interest=Rounding.HALF_UP,
    ),
    replace(EXAMPLE, code="compound", compound_on_interest=True, rate=D("0.0005")),
    replace(EXAMPLE, code="grace", grace_days=3, as_of_inclusive=True),
    replace(EXAMPLE, code="wide", penalty_base=PenaltyBase.DUE_PRINCIPAL_AND_INTEREST),
    replace(EXAMPLE, code="all", penalty_base=PenaltyBase.ALL_OUTSTANDING),
)
