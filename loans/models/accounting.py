"""What accountants leave behind: each file taken from the books, and each version of the chart."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from loans.models.loan import Loan
from portal.core.models.append_only import AppendOnly


class BookExport(AppendOnly):
    """One file that was made from the books: who took what, and how much of it."""

    class Content(models.TextChoices):
        JOURNAL = "journal", "总账明细"
        LOAN_LEDGER = "loan_ledger", "借款明细账"
        TRIAL_BALANCE = "trial_balance", "试算平衡表"
        PORTFOLIO = "portfolio", "资产组合报表"
        PORTFOLIO_LOANS = "portfolio_loans", "资产组合借款清单"

    content = models.CharField("内容", max_length=16, choices=Content.choices)
    format = models.CharField("格式", max_length=4)
    from_on = models.DateField("开始日期")
    to_on = models.DateField("结束日期")
    loan = models.ForeignKey(
        Loan, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="借据"
    )
    row_count = models.PositiveIntegerField("行数")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,  # nobody: by command, on the server
        blank=True,
        related_name="+",
        verbose_name="导出人",
    )
    at = models.DateTimeField("时间", db_index=True)
    real_at = models.DateTimeField(auto_now_add=True)

    class Meta(AppendOnly.Meta):
        verbose_name = verbose_name_plural = "总账与导出"
        ordering = ["-at", "-pk"]


class ChartVersion(AppendOnly):
    """The lender's codes and names over the standard chart; the newest version counts."""

    codes = models.JSONField("科目代码和名称")  # account → [code, name], only what differs
    reason = models.CharField("原因", max_length=200)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="修改人"
    )
    at = models.DateTimeField("时间")
    real_at = models.DateTimeField(auto_now_add=True)

    class Meta(AppendOnly.Meta):
        verbose_name = verbose_name_plural = "会计科目"
        ordering = ["-pk"]
