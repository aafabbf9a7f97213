"""What a back-dated or reversed payment changed, written down in the transaction that changed it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from loans.models.ledger import Payment
from loans.models.loan import Loan
from portal.core.fields import MoneyField
from portal.core.models.append_only import AppendOnly


class Correction(AppendOnly):
    """Before and after of one correction, both as of the day it was made (yuan).

    The penalty is all that was ever charged up to that day, paid or not, compound included.
    """

    class Kind(models.TextChoices):
        BACK_DATED = "back_dated", "补记还款"
        REVERSAL = "reversal", "冲正还款"

    loan = models.ForeignKey(Loan, models.PROTECT, related_name="corrections")
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="corrections")
    kind = models.CharField("类型", max_length=12, choices=Kind.choices)
    as_of = models.DateField("更正日")
    penalty_before = MoneyField("更正前累计罚息")
    penalty_after = MoneyField("更正后累计罚息")
    owed_before = MoneyField("更正前总待还")
    owed_after = MoneyField("更正后总待还")
    changes = models.JSONField("随之重算", default=list)  # one sentence a payment, breach, …
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField("记账时间")

    class Meta(AppendOnly.Meta):
        verbose_name = verbose_name_plural = "更正记录"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.as_of} {self.get_kind_display()}"
