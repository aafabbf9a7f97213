"""The products of the demo; a real lender adds rows here or in its own table."""

from __future__ import annotations

from decimal import Decimal

from loans.domain.profile import Method, ProductProfile, RateKind
from portal.core.kernel.errors import InvalidInput

_ALL = (
    ProductProfile(
        code="daily_004",
        name="借呗（日利率 0.04%）",
        rate_kind=RateKind.DAILY,
        rate=Decimal("0.0004"),
        method=Method.EQUAL_INSTALMENT,
    ),
    ProductProfile(
        code="daily_005_capped",
        name="借呗（日利率 0.05%）",
        rate_kind=RateKind.DAILY,
        rate=Decimal("0.0005"),
        method=Method.EQUAL_INSTALMENT,
    ),
    ProductProfile(
        code="annual_144_interest_only",
        name="借呗（年利率 14.4%，先息后本）",
        rate_kind=RateKind.ANNUAL,
        rate=Decimal("0.144"),
        method=Method.INTEREST_ONLY,
    ),
)
PRODUCTS: dict[str, ProductProfile] = {profile.code: profile for profile in _ALL}


def product(code: str) -> ProductProfile:
    """The profile of a product code; InvalidInput("product") when there is none."""
    try:
        return PRODUCTS[code]
    except (KeyError, TypeError):
        raise InvalidInput("product", "没有这个借款产品，请重新选择。") from None
