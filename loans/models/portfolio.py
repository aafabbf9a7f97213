"""A portfolio report: ordered for a date, counted in chunks by whichever worker is free, kept."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from loans.domain.risk import BUCKETS, CLASS_LABELS, RiskRules
from loans.models.loan import Loan
from portal.core.fields import MoneyField
from portal.core.kernel.money import ZERO


class PortfolioReport(models.Model):
    """One report; `figures` are the sums by bucket and class once every chunk is counted."""

    as_of = models.DateField("截止日期")
    class_days = models.JSONField("五级分类天数")  # as it was made with
    figures = models.JSONField("结果", default=list)
    ordered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="发起人"
    )
    ordered_at = models.DateTimeField("发起时间")
    finished_at = models.DateTimeField("完成时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "资产组合报表"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"资产组合 {self.as_of}"

    @property
    def rules(self) -> RiskRules:
        return RiskRules(*self.class_days)


class PortfolioChunk(models.Model):
    """Loans of a range of ids, counted in one go under a lease (real time)."""

    report = models.ForeignKey(PortfolioReport, models.CASCADE, related_name="chunks")
    first_loan = models.BigIntegerField()
    last_loan = models.BigIntegerField()
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    done = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["report", "first_loan"], name="portfolio_chunk_once"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(done=False), name="portfolio_chunk_waiting")
        ]


class PortfolioLine(models.Model):
    """One loan of a report, for the way down from a figure to what it is made of (yuan)."""

    report = models.ForeignKey(PortfolioReport, models.CASCADE, related_name="lines")
    loan = models.ForeignKey(Loan, models.PROTECT, related_name="+")
    bucket = models.CharField("逾期分档", max_length=3, choices=[(b, b) for b in BUCKETS])
    risk_class = models.CharField(
        "五级分类", max_length=16, choices=[(c.value, w) for c, w in CLASS_LABELS.items()]
    )
    overdue_days = models.PositiveIntegerField("逾期天数")
    principal = MoneyField("本金")
    interest = MoneyField("利息")
    penalty = MoneyField("罚息")
    fee = MoneyField("费用")
    in_plan = MoneyField("新计划内")
    waived = MoneyField("已减免")
    vested = MoneyField("已保留的减免")
    written_off = MoneyField("已核销", default=ZERO)
    off_balance = MoneyField("表外", default=ZERO)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["report", "loan"], name="portfolio_line_once"),
        ]
        indexes = [models.Index(fields=["report", "bucket", "risk_class"], name="portfolio_cell")]
