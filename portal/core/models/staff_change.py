"""What happens to a staff account, which takes two managers: one proposes, another decides."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from portal.core.kernel.roles import RANK_LABELS, Rank
from portal.core.models.append_only import Kept


class StaffChange(Kept):
    """One proposal and what became of it; decided rows are kept for ever."""

    MAY_CHANGE = frozenset({"status", "decided_by", "decided_at", "subject"})

    class Kind(models.TextChoices):
        CREATE = "CREATE", "新建账户"
        RANK = "RANK", "调整职级"
        DISABLE = "DISABLE", "停用账户"
        ENABLE = "ENABLE", "恢复账户"
        RESET_FACTOR = "RESET_FACTOR", "重置双重验证"
        RESET_PASSWORD = "RESET_PASSWORD", "重置密码"  # nosec B105 - the name of an act

    class Status(models.TextChoices):
        PENDING = "PENDING", "待复核"
        APPROVED = "APPROVED", "已通过"
        REFUSED = "REFUSED", "已退回"
        WITHDRAWN = "WITHDRAWN", "已撤回"

    kind = models.CharField("事项", max_length=16, choices=Kind)
    # Whose account; empty until a new one is made.
    subject = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="账户",
    )
    username = models.CharField("用户名", max_length=30)
    name = models.CharField("姓名", max_length=40)
    rank = models.CharField(  # of CREATE and RANK
        "职级", max_length=10, choices=[(r.value, RANK_LABELS[r]) for r in Rank], blank=True
    )
    hand_over_to = models.ForeignKey(  # of DISABLE; empty: back to the queue
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="接手同事",
    )
    reason = models.CharField("原因", max_length=200)
    status = models.CharField("状态", max_length=10, choices=Status, default=Status.PENDING)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="提出人"
    )
    made_at = models.DateTimeField("提出时间")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="复核人",
    )
    decided_at = models.DateTimeField("复核时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "账户变更"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["username"],
                condition=Q(status="PENDING"),
                name="staff_change_one_pending",
            ),
            models.CheckConstraint(
                condition=~Q(made_by=F("subject")) | Q(subject__isnull=True),
                name="staff_change_not_ones_own",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True)
                | Q(status="WITHDRAWN", decided_by=F("made_by"))
                | ~Q(decided_by=F("made_by"))
                & (Q(subject__isnull=True) | ~Q(decided_by=F("subject"))),
                name="staff_change_two_people",
            ),
            models.CheckConstraint(
                condition=Q(status="PENDING", decided_by__isnull=True, decided_at__isnull=True)
                | ~Q(status="PENDING") & Q(decided_by__isnull=False, decided_at__isnull=False),
                name="staff_change_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}：{self.name}（{self.username}）"
