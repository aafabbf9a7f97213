"""The relief policy: every length, limit and tier that a case is decided under; frozen per version."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import time
from decimal import Decimal
from typing import Any

from loans.domain.authority import ACT_TIERS, ActRules, ActTier
from loans.domain.plan_rules import PlanRules
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank


@dataclass(frozen=True)
class Tier:
    """What one rank may grant alone, summed over all waivers of a loan (yuan; None = unlimited)."""

    rank: Rank
    amount: Decimal | None
    penalty_share: Decimal
    interest: bool = False
    terms: int = 36
    second_plan: bool = False


TIERS = (
    Tier(Rank.REVIEWER, Decimal("500.00"), Decimal("0.50")),
    Tier(Rank.SUPERVISOR, Decimal("5000.00"), Decimal("1.00")),
    Tier(Rank.MANAGER, None, Decimal("1.00"), interest=True, terms=60, second_plan=True),
)


@dataclass(frozen=True)
class ReliefPolicy:
    """relief/RULES.md §3–8; workdays are working days, days are calendar days."""

    review_workdays: int = 2
    review_target_workdays: int = 1
    review_deadline_time: str = "18:00"
    compose_workdays: int = 2
    approval_workdays: int = 1
    reply_workdays: int = 2
    evidence_days: int = 7
    evidence_reminder_days: int = 2
    offer_valid_days: int = 7
    offer_reminder_days: int = 1
    appeal_days: int = 15
    cooldown_days: int = 7
    max_rounds: int = 3
    max_plan_terms: int = 60
    deferral_months: int = 3
    max_plans_per_loan: int = 2
    plan_reminder_days: int = 3
    plan_grace_days: int = 3
    cure_days: int = 10
    forced_read_seconds: int = 10
    sla_delay_waiver: bool = True
    affordability_share: Decimal = Decimal("0.50")
    tiers: tuple[Tier, ...] = TIERS
    act_tiers: tuple[ActTier, ...] = ACT_TIERS
    act_valid_days: int = 7

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "int" and (isinstance(value, bool) or not 0 <= value <= 366):
                raise InvalidInput(field.name, f"减免规则 {field.name} 必须是 0 到 366 的整数")
        if not self.tiers or self.tiers[-1].amount is not None:
            raise InvalidInput("tiers", "最高一级权限必须不限金额")
        self.deadline_time  # noqa: B018 - reading it validates it
        self.plan_rules  # noqa: B018 - so does this
        self.act_rules  # noqa: B018 - and this
        if not Decimal(0) <= self.affordability_share <= Decimal(1):
            raise InvalidInput("affordability_share", "可用于还款的比例要在 0 到 1 之间")

    @property
    def plan_rules(self) -> PlanRules:
        """What a plan executed under this policy takes along, and lives by to its end."""
        return PlanRules(**{field.name: getattr(self, field.name) for field in fields(PlanRules)})

    @property
    def act_rules(self) -> ActRules:
        """Who may approve an act on the books, and for how long it waits."""
        return ActRules(tiers=self.act_tiers, valid_days=self.act_valid_days)

    @property
    def deadline_time(self) -> time:
        """18:00 as a time of day in Shanghai."""
        try:
            return time.fromisoformat(self.review_deadline_time)
        except ValueError as broken:
            raise InvalidInput(
                "review_deadline_time", "审核截止时间要写成 18:00 的样子"
            ) from broken

    @property
    def review_span(self) -> str:
        """Within how many working days a review is promised, as people read it: 1–2."""
        return f"1–{self.review_workdays}" if self.review_workdays > 1 else "1"

    def tier(self, rank: Rank) -> Tier | None:
        """The limits of one rank; None for those who decide nothing (auditors)."""
        return next((tier for tier in self.tiers if tier.rank == rank), None)

    def to_dict(self) -> dict[str, Any]:
        """As JSON: decimals as text."""
        raw = asdict(self)
        raw["affordability_share"] = str(self.affordability_share)
        raw["tiers"] = [
            {
                **asdict(tier),
                "rank": tier.rank.value,
                "amount": None if tier.amount is None else str(tier.amount),
                "penalty_share": str(tier.penalty_share),
            }
            for tier in self.tiers
        ]
        raw["act_tiers"] = [
            {
                "rank": tier.rank.value,
                "amount": None if tier.amount is None else str(tier.amount),
            }
            for tier in self.act_tiers
        ]
        return raw

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> ReliefPolicy:
        """Back from JSON; unknown names are refused, missing ones take the default."""
        unknown = set(raw) - {field.name for field in fields(cls)}
        if unknown:
            raise InvalidInput("policy", f"减免规则里有不认识的项目：{'、'.join(sorted(unknown))}")
        values = dict(raw)
        if "affordability_share" in values:
            values["affordability_share"] = Decimal(str(values["affordability_share"]))
        if "tiers" in values:
            values["tiers"] = tuple(
                Tier(
                    rank=Rank(tier["rank"]),
                    amount=None if tier["amount"] is None else Decimal(tier["amount"]),
                    penalty_share=Decimal(tier["penalty_share"]),
                    interest=tier["interest"],
                    terms=tier["terms"],
                    second_plan=tier["second_plan"],
                )
                for tier in values["tiers"]
            )
        if "act_tiers" in values:
            values["act_tiers"] = tuple(
                ActTier(
                    rank=Rank(tier["rank"]),
                    amount=None if tier["amount"] is None else Decimal(tier["amount"]),
                )
                for tier in values["act_tiers"]
            )
        return cls(**values)
