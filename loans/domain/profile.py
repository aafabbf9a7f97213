"""The money parameters of a product, frozen into each loan; refuses what no rule allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from typing import Any

from loans.domain._checks import (
    check_amount,
    check_choice,
    check_flag,
    check_int,
    check_kind,
    check_rate,
    check_text,
)
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO, Rounding


class RateKind(StrEnum):
    """What `rate` is per: a day or a year."""

    DAILY = "daily"
    ANNUAL = "annual"


class Method(StrEnum):
    """等额本息, 等额本金, 先息后本, or 等额本息 with a residual (尾款) at the end."""

    EQUAL_INSTALMENT = "equal_instalment"
    EQUAL_PRINCIPAL = "equal_principal"
    INTEREST_ONLY = "interest_only"
    BALLOON = "balloon"


class InterestDays(StrEnum):
    """How a yearly rate counts a month: as a twelfth, or its actual days / year_basis."""

    MONTHS = "months"
    ACTUAL = "actual"


class PenaltyCause(StrEnum):
    """What the penalty rate answers: 逾期, or 挪用 (the money was used for something else)."""

    OVERDUE = "overdue"
    MISUSE = "misuse"


class PenaltyBase(StrEnum):
    """What the penalty rate is applied to."""

    DUE_PRINCIPAL = "due_principal"
    DUE_PRINCIPAL_AND_INTEREST = "due_principal_and_interest"
    ALL_OUTSTANDING = "all_outstanding"


class PrepayEffect(StrEnum):
    """What a prepayment does to the schedule: the same dates, smaller amounts."""

    REDUCE_AMOUNT = "reduce_amount"


_INTS: dict[str, tuple[str, int, int]] = {
    "penalty_start_offset": ("罚息起算偏移天数", 0, 31),
    "grace_days": ("宽限期天数", 0, 60),
    "npl_days": ("先本后息的逾期天数界限", 0, 3650),
}
_FLAGS = {
    "as_of_inclusive": "是否计入截止当日",
    "grace_retroactive": "超过宽限期后是否自到期日起算",
    "compound_on_interest": "是否对欠息计收复利",
    "npl_principal_first": "逾期超过界限后是否先还本金",
}
_CHOICES: dict[str, tuple[str, type[StrEnum]]] = {
    "rate_kind": ("利率类型", RateKind),
    "method": ("还款方式", Method),
    "interest_days": ("年利率的计息天数", InterestDays),
    "penalty_cause": ("罚息情形", PenaltyCause),
    "penalty_base": ("罚息基数", PenaltyBase),
    "prepay_effect": ("提前还款的效果", PrepayEffect),
    "round_instalment": ("每期金额舍入方式", Rounding),
    "round_interest": ("利息舍入方式", Rounding),
    "round_penalty": ("罚息舍入方式", Rounding),
}
# Rules of plans, which profiles held before the relief policy alone did: stored loans may name them.
_RETIRED = frozenset(
    {
        "max_plan_terms",
        "max_deferral_months",
        "plan_grace_days",
        "cure_days",
        "max_plans_per_loan",
        "vesting",
    }
)
_MOST_TOLERANCE = Decimal("100.00")
_DECIMALS = (
    *("rate", "balloon_share", "penalty_multiplier", "penalty_rate_stated", "annual_cap"),
    *("late_fee", "late_fee_share", "late_fee_most", "tolerance"),
)
# How many times the ordinary rate the penalty rate may be, by a multiplier and by a stated rate.
_TIMES = {
    PenaltyCause.OVERDUE: ((Decimal("1.3"), Decimal("1.5")), (Decimal(1), Decimal(2))),
    PenaltyCause.MISUSE: ((Decimal("1.5"), Decimal(2)), (Decimal("1.5"), Decimal(2))),
}
_USUAL_MULTIPLIER = Decimal("1.5")
_MOST_FEE_SHARE = Decimal("0.1")
_MOST_BALLOON = Decimal("0.9")  # beyond it hardly anything is repaid before the last day


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductProfile:
    """Parameters of loans/RULES.md §1–5; `rate` is a fraction per day or per year.

    Built once, validated (InvalidInput names the field), never changed: a loan keeps the
    profile it was made with. Example: `rate=Decimal("0.0004")`, daily, gives a penalty rate of
    0.0006 a day; 0.0005 gives min(0.00075, 0.24/365) because of the ceiling. `balloon_share` is
    the residual as a fraction of what is lent, `penalty_rate_stated` per day or year as `rate`,
    `late_fee` and `late_fee_most` yuan, `late_fee_share` a fraction of what is late; `tolerance`
    is in yuan: a loan that owes no more after a payment is closed.
    """

    code: str
    name: str
    rate_kind: RateKind
    rate: Decimal
    method: Method
    balloon_share: Decimal = Decimal(0)
    interest_days: InterestDays = InterestDays.MONTHS
    year_basis: int = 360
    penalty_cause: PenaltyCause = PenaltyCause.OVERDUE
    penalty_multiplier: Decimal = _USUAL_MULTIPLIER
    penalty_rate_stated: Decimal | None = None
    annual_cap: Decimal | None = Decimal("0.24")
    cap_year_basis: int = 365
    penalty_start_offset: int = 0
    as_of_inclusive: bool = False
    grace_days: int = 0
    grace_retroactive: bool = True
    penalty_base: PenaltyBase = PenaltyBase.DUE_PRINCIPAL
    compound_on_interest: bool = False
    late_fee: Decimal = Decimal(0)
    late_fee_share: Decimal = Decimal(0)
    late_fee_most: Decimal | None = None
    round_instalment: Rounding = Rounding.HALF_UP
    round_interest: Rounding = Rounding.HALF_UP
    round_penalty: Rounding = Rounding.HALF_UP
    npl_days: int = 90
    npl_principal_first: bool = True
    prepay_effect: PrepayEffect = PrepayEffect.REDUCE_AMOUNT
    tolerance: Decimal = ZERO

    def __post_init__(self) -> None:
        check_text(self.code, "code", "产品代码")
        check_text(self.name, "name", "产品名称")
        for field, (label, low, high) in _INTS.items():
            check_int(getattr(self, field), field, label, low, high)
        for field, label in _FLAGS.items():
            check_flag(getattr(self, field), field, label)
        for field, (label, kind) in _CHOICES.items():
            chosen = check_choice(getattr(self, field), field, label, kind)
            object.__setattr__(self, field, chosen)
        self._check_rates()
        self._check_tolerance()
        self._check_method()
        self._check_penalty_rate()
        self._check_late_fee()
        on_interest = self.penalty_base is PenaltyBase.DUE_PRINCIPAL_AND_INTEREST
        if on_interest and self.compound_on_interest:
            raise InvalidInput(
                "compound_on_interest", "罚息基数已含欠息时，不能再对欠息计收复利（重复计收）。"
            )

    def __hash__(self) -> int:
        """Of what tells products apart as a rule: rates are looked up by profile all the time."""
        return hash((self.code, self.rate))

    def _check_tolerance(self) -> None:
        if check_amount(self.tolerance, "tolerance", "容差") > _MOST_TOLERANCE:
            raise InvalidInput("tolerance", f"容差最多 {_MOST_TOLERANCE} 元。")

    def _check_rates(self) -> None:
        highest = Decimal("0.01") if self.rate_kind is RateKind.DAILY else Decimal(1)
        check_rate(self.rate, "rate", "利率", Decimal(0), highest)
        if self.annual_cap is not None:
            check_rate(self.annual_cap, "annual_cap", "年化上限", Decimal(0), Decimal(1))
        for field, label in (("year_basis", "年天数"), ("cap_year_basis", "上限的年天数")):
            check_int(getattr(self, field), field, label, 360, 366)
            if getattr(self, field) not in (360, 365, 366):
                raise InvalidInput(field, f"{label}应为 360、365 或 366。")

    def _check_late_fee(self) -> None:
        check_amount(self.late_fee, "late_fee", "逾期费")
        check_rate(self.late_fee_share, "late_fee_share", "逾期费比例", Decimal(0), _MOST_FEE_SHARE)
        if self.late_fee_most is not None:
            check_amount(self.late_fee_most, "late_fee_most", "逾期费上限")
            if not self.charges_late_fee:
                raise InvalidInput("late_fee_most", "不收逾期费时没有逾期费上限，请不要填写。")
        if not self.charges_late_fee:
            return
        if self.annual_cap is None:
            raise InvalidInput("annual_cap", "收取逾期费时必须有年化上限，逾期费计入上限。")
        if self.round_penalty is not Rounding.DOWN:
            raise InvalidInput(
                "round_penalty",
                "收取逾期费时，罚息舍入方式应为 DOWN：上限以内余下的部分归逾期费，罚息不能再向上舍入。",
            )

    def _check_method(self) -> None:
        check_rate(self.balloon_share, "balloon_share", "尾款比例", Decimal(0), _MOST_BALLOON)
        if (self.method is Method.BALLOON) != (self.balloon_share > 0):
            raise InvalidInput(
                "balloon_share",
                "还款方式为尾款（balloon）时，尾款比例应大于 0；其他还款方式没有尾款，尾款比例应为 0。",
            )
        if self.rate_kind is RateKind.DAILY and self.interest_days is not InterestDays.MONTHS:
            raise InvalidInput(
                "interest_days",
                "日利率本来就按实际天数计息，年利率的计息天数请保留默认的 months。",
            )

    def _check_penalty_rate(self) -> None:
        by_multiplier, by_stated = _TIMES[self.penalty_cause]
        check_rate(self.penalty_multiplier, "penalty_multiplier", "罚息倍数", *by_multiplier)
        if self.penalty_rate_stated is None:
            return
        field, label = "penalty_rate_stated", "约定的罚息利率"
        if self.penalty_multiplier != _USUAL_MULTIPLIER:
            raise InvalidInput(
                "penalty_multiplier",
                f"已有约定的罚息利率，罚息倍数不再使用，请保留默认的 {_USUAL_MULTIPLIER}。",
            )
        low, high = (self.rate * times for times in by_stated)
        check_rate(self.penalty_rate_stated, field, label, low, high)
        cap, stated = self.cap_daily_rate, self.nominal_penalty_rate
        if cap is not None and stated > cap:
            raise InvalidInput(field, f"{label}折算后不能超过年化上限 {self.annual_cap}。")

    @property
    def daily_rate(self) -> Fraction:
        """Ordinary interest of one day, exact: 0.144 a year over 360 days is 1/2500."""
        return self._a_day(self.rate)

    def _a_day(self, rate: Decimal) -> Fraction:
        """A rate stated as the contract states its own, as the rate of one day."""
        exact = Fraction(rate)
        return exact if self.rate_kind is RateKind.DAILY else exact / self.year_basis

    @property
    def month_rate(self) -> Fraction | None:
        """A twelfth of the yearly rate where months count as such; None where days count."""
        if self.rate_kind is RateKind.DAILY or self.interest_days is InterestDays.ACTUAL:
            return None
        return Fraction(self.rate) / 12

    @property
    def annual_rate(self) -> Fraction:
        """The contract's yearly rate, daily × year_basis: the most a plan may bear."""
        rate = Fraction(self.rate)
        return rate if self.rate_kind is RateKind.ANNUAL else rate * self.year_basis

    @property
    def charges_late_fee(self) -> bool:
        """The contract names a fee, fixed or as a share of what is late."""
        return bool(self.late_fee or self.late_fee_share)

    @property
    def yearly_rate(self) -> Fraction:
        """The yearly figure shown beside the rate: a daily one × cap_year_basis, as the ceiling."""
        rate = Fraction(self.rate)
        return rate if self.rate_kind is RateKind.ANNUAL else rate * self.cap_year_basis

    @property
    def cap_daily_rate(self) -> Fraction | None:
        """The ceiling of one day, or None when it is off: 0.24/365."""
        return None if self.annual_cap is None else Fraction(self.annual_cap) / self.cap_year_basis

    @property
    def nominal_penalty_rate(self) -> Fraction:
        """Of one day, before the ceiling: the stated rate where there is one, else rate × multiplier."""
        if self.penalty_rate_stated is not None:
            return self._a_day(self.penalty_rate_stated)
        return self.daily_rate * Fraction(self.penalty_multiplier)

    @property
    def penalty_rate(self) -> Fraction:
        """Effective penalty rate of one day: the smaller of the nominal one and the ceiling."""
        nominal, cap = self.nominal_penalty_rate, self.cap_daily_rate
        return nominal if cap is None else min(nominal, cap)

    def for_plan(self, annual_rate: Decimal, *, by_days: bool) -> ProductProfile:
        """What a plan's own interest follows: equal instalments at the plan's yearly rate.

        Counted as the contract counts; by days in any case where the plan's periods are no months.
        """
        return replace(
            self,
            interest_days=InterestDays.ACTUAL if by_days else self.interest_days,
            rate_kind=RateKind.ANNUAL,
            rate=annual_rate,
            method=Method.EQUAL_INSTALMENT,
            balloon_share=Decimal(0),
            penalty_rate_stated=None,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; Decimals as strings. `from_dict(p.to_dict()) == p`."""
        result: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, StrEnum):
                value = value.value
            result[field.name] = str(value) if isinstance(value, Decimal) else value
        return result

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ProductProfile:
        """The profile stored by to_dict, in any version; unknown or missing names are InvalidInput."""
        if not isinstance(data, Mapping):
            raise InvalidInput("profile", "产品参数应为键值对。")
        field_names = {field.name for field in fields(cls)}
        data = {name: value for name, value in data.items() if name not in _RETIRED}
        for name in data:
            if name not in field_names:
                raise InvalidInput(str(name), f"产品参数中没有“{name}”这一项。")
        for name in ("code", "name", "rate_kind", "rate", "method"):
            if name not in data:
                raise InvalidInput(name, f"产品参数缺少“{name}”。")
        values = dict(data)
        for name in _DECIMALS:
            if isinstance(values.get(name), str):
                values[name] = _decimal(values[name], name)
        return cls(**values)


def _decimal(text: str, field: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise InvalidInput(field, f"产品参数“{field}”应为数字。") from None


def check_profile(value: object) -> ProductProfile:
    """InvalidInput("profile") unless this is a ProductProfile; every rule checks it first."""
    return check_kind(value, "profile", "产品参数", ProductProfile)
