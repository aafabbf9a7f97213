"""Who may approve an act on the books: the least rank by its amount; the limits come from the policy."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank, rank_at_least


def may_check(rank: str, needed: str) -> bool:
    """Whether a rank may decide on a proposal that needs ``needed``; an auditor never does."""
    return rank != Rank.AUDITOR and rank_at_least(rank, needed)


@dataclass(frozen=True, slots=True)
class ActTier:
    """What one rank may approve alone, per act (yuan; None = any amount)."""

    rank: Rank
    amount: Decimal | None


ACT_TIERS = (ActTier(Rank.SUPERVISOR, Decimal("5000.00")), ActTier(Rank.MANAGER, None))


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRules:
    """relief/RULES.md §7: the tiers of acts, and for how many calendar days a proposal stands."""

    tiers: tuple[ActTier, ...] = ACT_TIERS
    valid_days: int = 7

    def __post_init__(self) -> None:
        if not self.tiers or self.tiers[-1].amount is not None:
            raise InvalidInput("act_tiers", "最高一级的记账权限必须不限金额")
        for lower, higher in zip(self.tiers, self.tiers[1:], strict=False):
            if not rank_at_least(higher.rank, lower.rank):
                raise InvalidInput("act_tiers", "记账权限要从低到高排列")

    def needed_rank(self, amount: Decimal) -> Rank:
        """The least rank that may approve an act of this amount: 5,000.00 supervisor, 5,000.01 manager."""
        enough = (tier for tier in self.tiers if tier.amount is None or amount <= tier.amount)
        return next(enough).rank
