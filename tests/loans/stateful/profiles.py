"""The products that the machine lends by: one for each turn that a rule can take."""

from __future__ import annotations

from dataclasses import replace

from loans.domain.profile import Method, PenaltyBase, ProductProfile, RateKind
from portal.kernel.money import Rounding
from tests.loans.books import EXAMPLE, D

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
