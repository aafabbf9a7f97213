"""An act on the books that one member of staff proposes and another approves or refuses."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from loans.models.ledger import Payment
from loans.models.loan import Loan
from portal.core.fields import MoneyField
from portal.core.kernel.roles import RANK_LABELS, Rank
from portal.core.models.append_only import Kept


class Proposal(Kept):
    """Nothing is booked before the approval; what was proposed never changes, only its end is added.

    ``effect`` is what a rehearsal on the day of the proposal did to the debt, in sentences.
    """

    MAY_CHANGE = frozenset({"status", "decided_by", "decided_rank", "decided_at", "note"})

    class Kind(models.TextChoices):
        LATE_PAYMENT = "late_payment", "补记还款"
        REVERSAL = "reversal", "冲正还款"
        REFUND = "refund", "退还溢缴款"
        REFUND_BACK = "refund_back", "登记退款退回"
        WRITE_OFF = "write_off", "核销"
        NON_ACCRUAL = "non_accrual", "转列非应计"
        ADJUSTMENT = "adjustment", "科目调整"
        ACCELERATION = "acceleration", "宣布提前到期"

    class Status(models.TextChoices):
        PENDING = "pending", "待复核"
        APPROVED = "approved", "已执行"
        REFUSED = "refused", "已退回"
        WITHDRAWN = "withdrawn", "已撤回"
        EXPIRED = "expired", "已过期"

    loan = models.ForeignKey(Loan, models.PROTECT, related_name="proposals")
    kind = models.CharField("操作", max_length=16, choices=Kind.choices)
    payment = models.ForeignKey(
        Payment, models.PROTECT, null=True, blank=True, related_name="proposals"
    )
    amount = MoneyField("金额")
    terms = models.JSONField("内容", default=dict)
    reason = models.CharField("原因", max_length=200)
    effect = models.JSONField("提出时的试算", default=list)
    needs_rank = models.CharField("复核权限", max_length=12)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="提出人"
    )
    made_at = models.DateTimeField("提出时间")
    valid_until = models.DateTimeField("有效期至")
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.PENDING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="复核人",
    )
    decided_rank = models.CharField("复核时的职级", max_length=12, blank=True)
    decided_at = models.DateTimeField("复核时间", null=True, blank=True)
    note = models.CharField("复核意见", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "账务操作复核"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="proposal_amount_positive"),
            models.CheckConstraint(condition=~Q(reason=""), name="proposal_has_reason"),
            models.CheckConstraint(
                condition=Q(status="pending", decided_at__isnull=True, decided_by__isnull=True)
                | Q(status="expired", decided_at__isnull=False, decided_by__isnull=True)
                | Q(
                    status__in=["approved", "refused"],
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                )
                & ~Q(decided_by=F("made_by"))
                | Q(status="withdrawn", decided_at__isnull=False, decided_by=F("made_by")),
                name="proposal_maker_is_not_checker",
            ),
            models.UniqueConstraint(
                fields=["loan", "kind"],
                condition=Q(status="pending", payment__isnull=True),
                name="proposal_one_pending",
            ),
            models.UniqueConstraint(
                fields=["payment", "kind"],
                condition=Q(status="pending"),
                name="proposal_one_pending_payment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount:,.2f} 元"

    def is_open(self, now: datetime) -> bool:
        """Waits for a checker, and still may be approved."""
        return self.status == self.Status.PENDING and now < self.valid_until

    @property
    def needed_label(self) -> str:
        """主管."""
        return RANK_LABELS[Rank(self.needs_rank)]
