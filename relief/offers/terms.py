"""Terms of an offer, their bounds, and the rank that may grant them; principal is never waived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from loans.domain.components import WAIVABLE, WithWaivers
from loans.domain.profile import ProductProfile
from loans.domain.restructure import DebtFigures, ReliefTerms, check_relief_terms
from loans.domain.schedule import PlanPeriod
from portal.core.kernel.digests import digest_of
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.money import ZERO, Rounding, round_fen
from portal.core.kernel.roles import Rank
from relief.cases.policy import ReliefPolicy

_WAIVERS = tuple(component.waiver for component in WAIVABLE)
_MONEY = (*_WAIVERS, "delay_waiver")
HUNDRED = Decimal(100)


@dataclass(frozen=True)
class OfferTerms(WithWaivers):
    """Proposed terms on the debt of `figures_as_of`; amounts in yuan, rates a year.

    `delay_waiver` is the part of `waive_penalty` that our own missed deadline caused; it counts
    against nobody's authority. `penalty_percent` remembers how the amount was stated, so that the
    same terms can be put on a new debt.
    """

    figures_as_of: date
    term_count: int
    first_due_on: date
    waive_penalty: Decimal = ZERO
    waive_interest: Decimal = ZERO
    waive_compound: Decimal = ZERO
    waive_fee: Decimal = ZERO
    plan_annual_rate: Decimal = ZERO
    delay_waiver: Decimal = ZERO
    penalty_percent: Decimal | None = None
    period: PlanPeriod = PlanPeriod.MONTHLY

    @property
    def granted(self) -> Decimal:
        """What somebody decided to waive: all but our own delay."""
        return self.waived - self.delay_waiver

    def relief_terms(self) -> ReliefTerms:
        """The same for the books."""
        return ReliefTerms(
            figures_as_of=self.figures_as_of,
            term_count=self.term_count,
            first_due_on=self.first_due_on,
            plan_annual_rate=self.plan_annual_rate,
            period=self.period,
            **{name: getattr(self, name) for name in _WAIVERS},
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON: decimals as text, dates ISO; a monthly period is left out.

        The digests of offers made before there were others go over terms without it.
        """
        raw = asdict(self)
        if self.period is PlanPeriod.MONTHLY:
            del raw["period"]
        raw["figures_as_of"] = self.figures_as_of.isoformat()
        raw["first_due_on"] = self.first_due_on.isoformat()
        for name in (*_MONEY, "plan_annual_rate"):
            raw[name] = str(raw[name])
        if self.penalty_percent is not None:
            raw["penalty_percent"] = str(self.penalty_percent)
        return raw

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> OfferTerms:
        """Back from JSON, equal to what went in."""
        percent = raw.get("penalty_percent")
        return cls(
            figures_as_of=date.fromisoformat(raw["figures_as_of"]),
            first_due_on=date.fromisoformat(raw["first_due_on"]),
            term_count=raw["term_count"],
            plan_annual_rate=Decimal(raw["plan_annual_rate"]),
            penalty_percent=None if percent is None else Decimal(percent),
            period=PlanPeriod(raw.get("period", PlanPeriod.MONTHLY)),
            **{name: Decimal(raw[name]) for name in _MONEY},
        )

    def on_debt(self, debt: DebtFigures, *, delay_waiver: Decimal) -> OfferTerms:
        """The same terms on a new debt: percent again of the penalty, amounts no more than owed."""
        delay = min(delay_waiver, debt.penalty)
        if self.penalty_percent is not None:
            penalty = penalty_by_percent(debt.penalty, self.penalty_percent, delay)
        else:
            penalty = min(max(self.waive_penalty, delay), debt.penalty)
        return replace(
            self,
            figures_as_of=debt.as_of,
            waive_penalty=penalty,
            waive_interest=min(self.waive_interest, debt.interest),
            waive_compound=min(self.waive_compound, debt.compound),
            waive_fee=min(self.waive_fee, debt.fee),
            delay_waiver=delay,
        )


def penalty_by_percent(penalty: Decimal, percent: Decimal, delay: Decimal = ZERO) -> Decimal:
    """Yuan waived by a percentage, DOWN to the fen, on what our delay did not waive already.

    relief/RULES.md §5: 60 % of 161.50 is 96.90; with 4.80 of delay 4.80 + DOWN(60 % of 156.70)
    = 98.82.
    """
    if not isinstance(percent, Decimal) or not ZERO <= percent <= HUNDRED:
        raise InvalidInput("penalty_percent", "罚息减免比例要在 0% 到 100% 之间")
    return delay + round_fen((penalty - delay) * percent / HUNDRED, Rounding.DOWN)


def check_offer_terms(
    policy: ReliefPolicy,
    profile: ProductProfile,
    debt: DebtFigures,
    terms: OfferTerms,
    *,
    plan_number: int = 1,
) -> None:
    """InvalidInput (field, Chinese sentence) for terms that no offer may have (relief/RULES.md §6).

    The policy's limits (terms, first date, number of plans), what a legal plan is
    (`check_relief_terms`: waive 161.51 of 161.50 is refused), and at least the waiver that our own
    delay has caused, in yuan.
    """
    policy.plan_rules.check_limits(terms, plan_number=plan_number)
    check_relief_terms(profile, debt, terms.relief_terms())
    if not ZERO <= terms.delay_waiver <= terms.waive_penalty:
        raise InvalidInput("waive_penalty", f"减免罚息至少要含延误减免 ¥{terms.delay_waiver:,.2f}")


def needed_rank(
    policy: ReliefPolicy,
    debt: DebtFigures,
    terms: OfferTerms,
    *,
    prior_granted: Decimal = ZERO,
    plan_number: int = 1,
) -> Rank:
    """The lowest rank that may grant these terms alone; yuan, summed over the loan's waivers.

    relief/RULES.md §7: ¥96.90 of ¥161.50 is 60 %, so a supervisor; ¥80.75 a reviewer; any interest or
    more than 36 terms or a second plan a manager.
    """
    total = terms.granted + prior_granted
    penalty = terms.waive_penalty - terms.delay_waiver
    for tier in policy.tiers:
        if (
            (tier.amount is None or total <= tier.amount)
            and penalty <= round_fen(debt.penalty * tier.penalty_share, Rounding.DOWN)
            and (tier.interest or terms.waive_interest == ZERO)
            and terms.term_count <= max(tier.terms, 1)
            and (tier.second_plan or plan_number == 1)
        ):
            return tier.rank
    return policy.tiers[-1].rank


def offer_digest(
    *,
    case_number: str,
    offer_number: int,
    terms: OfferTerms,
    figures: Mapping[str, Any],
    rows: list[Any],
) -> str:
    """SHA-256 of everything the borrower is shown and accepts; another version, another digest."""
    return digest_of(
        {
            "case": case_number,
            "offer": offer_number,
            "terms": terms.to_dict(),
            "figures": dict(figures),
            "rows": rows,
        }
    )
