"""The loan: one drawdown, its frozen product profile, and the version that guards its books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from loans.domain.profile import ProductProfile
from portal.core.fields import MoneyField
from portal.core.publicids import new_public_id

if TYPE_CHECKING:
    from portal.core.models import User


class LoanQuerySet(models.QuerySet["Loan"]):
    """Verbs that chain."""

    def for_borrower(self, user: User) -> LoanQuerySet:
        """The user's own loans, nobody else's."""
        return self.filter(borrower=user)

    def active(self) -> LoanQuerySet:
        return self.filter(status=Loan.Status.ACTIVE)


class Loan(models.Model):
    """One 借款. Its amounts live in the postings; nothing here is a balance."""

    class Status(models.TextChoices):
        ACTIVE = "active", "还款中"
        SETTLED = "settled", "已结清"

    public_id = models.CharField(
        "公开编号", max_length=16, unique=True, default=new_public_id, editable=False
    )
    number = models.CharField("借据编号", max_length=24, unique=True)
    borrower = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="loans", verbose_name="借款人"
    )
    product = models.CharField("产品代码", max_length=40)
    product_name = models.CharField("产品", max_length=60)
    profile = models.JSONField("产品参数（放款时固定）")
    principal = MoneyField("借款本金")
    drawdown_on = models.DateField("放款日")
    term_months = models.PositiveSmallIntegerField("期数", validators=[MinValueValidator(1)])
    due_day = models.PositiveSmallIntegerField(
        "还款日", validators=[MinValueValidator(1), MaxValueValidator(31)]
    )
    status = models.CharField("状态", max_length=10, choices=Status.choices, default=Status.ACTIVE)
    settled_on = models.DateField("结清日", null=True, blank=True)
    accelerated_on = models.DateField("提前到期日", null=True, blank=True)
    booked_on = models.DateField("罚息已记至")
    version = models.PositiveIntegerField("版本", default=1)
    created_at = models.DateTimeField("建立时间")

    objects = LoanQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "借款"
        ordering = ["-drawdown_on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(principal__gt=0), name="loan_principal_positive"),
            models.CheckConstraint(
                condition=Q(term_months__gte=1, due_day__gte=1, due_day__lte=31),
                name="loan_term_and_due_day",
            ),
            models.CheckConstraint(
                condition=Q(status="active", settled_on__isnull=True)
                | Q(status="settled", settled_on__isnull=False),
                name="loan_settled_on_iff_settled",
            ),
            models.CheckConstraint(
                condition=Q(booked_on__gte=models.F("drawdown_on")),
                name="loan_booked_after_drawdown",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_settled(self) -> bool:
        return self.status == self.Status.SETTLED

    @property
    def terms(self) -> ProductProfile:
        """The frozen product profile as the pure rules take it."""
        return ProductProfile.from_dict(self.profile)
