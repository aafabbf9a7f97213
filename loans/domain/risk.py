"""How a debt stands for a risk manager: its bucket of days overdue, and one of the five classes.

Sources in loans/RULES.md §9. The days of the classes are the lender's policy (RISK_CLASS_DAYS).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum

from portal.core.kernel.errors import InvalidInput

BUCKET_DAYS = 30
BUCKETS = ("M0", "M1", "M2", "M3", "M4", "M5", "M6", "M6+")


def bucket_number(overdue_days: int) -> int:
    """0 while nothing is overdue, then one for every thirty days begun, at most 7."""
    if overdue_days <= 0:
        return 0
    return min((overdue_days - 1) // BUCKET_DAYS + 1, len(BUCKETS) - 1)


def bucket_of(overdue_days: int) -> str:
    """M0 (nothing overdue), M1 (1 to 30 days) … M6 (151 to 180), M6+ (more)."""
    return BUCKETS[bucket_number(overdue_days)]


class RiskClass(StrEnum):
    """五级分类, from best to worst."""

    PASS = "pass"  # 正常
    SPECIAL_MENTION = "special_mention"  # 关注
    SUBSTANDARD = "substandard"  # 次级
    DOUBTFUL = "doubtful"  # 可疑
    LOSS = "loss"  # 损失


CLASSES = tuple(RiskClass)
CLASS_LABELS: dict[RiskClass, str] = {
    RiskClass.PASS: "正常",
    RiskClass.SPECIAL_MENTION: "关注",
    RiskClass.SUBSTANDARD: "次级",
    RiskClass.DOUBTFUL: "可疑",
    RiskClass.LOSS: "损失",
}


@dataclass(frozen=True, slots=True)
class RiskRules:
    """From how many days overdue on each class but the first holds.

    Errors: InvalidInput when they do not rise. The defaults are those of loans/RULES.md §9.
    """

    special_mention_days: int = 1
    substandard_days: int = 91
    doubtful_days: int = 271
    loss_days: int = 361

    def __post_init__(self) -> None:
        if self.days[0] < 1 or list(self.days) != sorted(set(self.days)):
            raise InvalidInput("risk_class_days", "五级分类的天数应从 1 起逐级增大")

    @property
    def days(self) -> tuple[int, int, int, int]:
        """The four bounds, from special mention to loss."""
        return (
            self.special_mention_days,
            self.substandard_days,
            self.doubtful_days,
            self.loss_days,
        )

    def class_of(
        self, overdue_days: int, *, restructured: bool = False, written_off: bool = False
    ) -> RiskClass:
        """The class by days; what was restructured is at least special mention, a write-off loss.

        Example: 90 days → special mention, 91 → substandard; 0 days in a plan → special mention.
        """
        if written_off:
            return RiskClass.LOSS
        reached = bisect_right(self.days, overdue_days)
        return CLASSES[max(reached, 1) if restructured else reached]
