"""What the machine draws: amounts, shares, and whole products, every combination there can be."""

from __future__ import annotations

from hypothesis import strategies as st

from loans.domain.profile import (
    InterestDays,
    Method,
    PenaltyBase,
    PenaltyCause,
    PrepayEffect,
    ProductProfile,
    RateKind,
)
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
    "tolerance": st.sampled_from([D("0.00"), D("0.00"), D("0.50"), D("20.00")]),
    "prepay_effect": st.sampled_from(PrepayEffect),
}
# What hangs together is drawn together; a stated rate is so many times the ordinary one.
INTEREST_DAYS = {RateKind.DAILY: [InterestDays.MONTHS], RateKind.ANNUAL: list(InterestDays)}
MULTIPLIERS = [
    *((PenaltyCause.OVERDUE, times) for times in ("1.3", "1.4", "1.5", "1.5")),
    *((PenaltyCause.MISUSE, times) for times in ("1.5", "2")),
]
STATED = [
    *((PenaltyCause.OVERDUE, times) for times in ("1", "1.3", "2")),
    *((PenaltyCause.MISUSE, times) for times in ("1.5", "2")),
]
METHODS = [
    *((method, "0") for method in Method if method is not Method.BALLOON),
    *((Method.BALLOON, share) for share in ("0.1", "0.5", "0.9")),
]


def allowed(values: dict[str, object]) -> bool:
    """A profile refuses what no rule allows; everything else is drawn."""
    try:
        ProductProfile(**values)  # type: ignore[arg-type]
    except InvalidInput:
        return False
    return True


LATE_FEES = [  # fixed, share of what is late, at most
    *(("0", "0", None),) * 4,
    ("20.00", "0", None),
    ("0.50", "0.02", None),
    ("0", "0.1", D("5.00")),
]


@st.composite
def profiles(draw: st.DrawFn) -> ProductProfile:
    kind = draw(st.sampled_from(RateKind))
    rate = D(draw(st.sampled_from(RATES[kind])))
    method, share = draw(st.sampled_from(METHODS))
    is_stated = draw(st.sampled_from([False, False, True]))
    cause, times = draw(st.sampled_from(STATED if is_stated else MULTIPLIERS))
    fee, fee_share, fee_most = draw(st.sampled_from(LATE_FEES))
    with_fee: dict[str, st.SearchStrategy[object]] = {
        "late_fee": st.just(D(fee)),
        "late_fee_share": st.just(D(fee_share)),
        "late_fee_most": st.just(fee_most),
    }
    if D(fee) or D(fee_share):  # then there is a ceiling, and penalty is rounded DOWN
        with_fee["annual_cap"] = st.sampled_from([D("0.24"), D("0.15")])
        with_fee["round_penalty"] = st.just(Rounding.DOWN)
    drawn = st.fixed_dictionaries(
        FIELDS
        | with_fee
        | {
            "code": st.just("drawn"),
            "name": st.just("抽到的产品"),
            "rate_kind": st.just(kind),
            "rate": st.just(rate),
            "method": st.just(method),
            "balloon_share": st.just(D(share)),
            "interest_days": st.sampled_from(INTEREST_DAYS[kind]),
            "penalty_cause": st.just(cause),
            "penalty_multiplier": st.just(D("1.5" if is_stated else times)),
            "penalty_rate_stated": st.just(rate * D(times) if is_stated else None),
        }
    )
    return ProductProfile(**draw(drawn.filter(allowed)))  # type: ignore[arg-type]
