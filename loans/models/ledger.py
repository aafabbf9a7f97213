"""Double-entry books: entries and postings are appended; payments remember how they were split."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.formats import date_format

from loans.domain.components import Component
from loans.models.loan import Loan
from loans.models.schedule import Instalment, Schedule
from portal.core.fields import MoneyField
from portal.core.models.append_only import AppendOnly, Kept
from portal.core.publicids import new_public_id


class Account(models.TextChoices):
    """Signed: what the borrower owes grows with plus; cash received is plus."""

    PRINCIPAL = "principal", "本金"
    INTEREST = "interest", "利息"
    PENALTY = "penalty", "罚息"
    COMPOUND = "compound", "复利"
    FEE = "fee", "费用"
    KEPT_INTEREST = "kept_interest", "保留利息"
    KEPT_PENALTY = "kept_penalty", "保留罚息"
    CASH = "cash", "现金"
    INTEREST_INCOME = "interest_income", "利息收入"
    PENALTY_INCOME = "penalty_income", "罚息收入"
    COMPOUND_INCOME = "compound_income", "复利收入"
    FEE_INCOME = "fee_income", "费用收入"
    WAIVER = "waiver", "减免"
    TOLERANCE = "tolerance", "容差免收"
    CREDIT = "credit", "溢缴款"
    OFF_PRINCIPAL = "off_principal", "已核销本金"
    OFF_INTEREST = "off_interest", "已核销利息"
    OFF_CHARGES = "off_charges", "已核销罚息"
    LOSS = "loss", "核销损失"
    RECOVERED = "recovered", "核销收回"
    OFF_BALANCE = "off_balance", "表外利息罚息"
    SUSPENDED = "suspended", "表外冲减收入"


RECEIVABLES = tuple(Account(component.value) for component in Component)  # what is owed
OF_THE_LOAN = (  # of no one instalment
    *(Account.CASH, Account.CREDIT),
    *(Account.OFF_PRINCIPAL, Account.OFF_INTEREST, Account.OFF_CHARGES),
    *(Account.LOSS, Account.RECOVERED, Account.OFF_BALANCE, Account.SUSPENDED),
)


class Entry(AppendOnly):
    """One event in the books of one loan; its postings sum to zero."""

    class Kind(models.TextChoices):
        DRAWDOWN = "drawdown", "放款"
        INTEREST = "interest", "到期计息"
        ACCRUAL = "accrual", "计息至当日"
        PENALTY = "penalty", "计罚息"
        PAYMENT = "payment", "还款"
        RESCHEDULE = "reschedule", "计划重算"
        WAIVER = "waiver", "减免"
        PLAN = "plan", "新计划生效"
        BREACH = "breach", "违约恢复"
        ACCELERATION = "acceleration", "提前到期"
        BOUNCE = "bounce", "款项退回"
        REFUND = "refund", "退还溢缴款"
        REFUND_BACK = "refund_back", "退款退回"
        CLAIM = "claim", "多退款项收回"
        WRITE_OFF = "write_off", "核销"
        RECOVERY = "recovery", "核销收回"
        NON_ACCRUAL = "non_accrual", "非应计"
        ADJUSTMENT = "adjustment", "科目调整"
        TOLERANCE = "tolerance", "容差结清"
        REVERSAL = "reversal", "冲正"

    loan = models.ForeignKey(Loan, models.PROTECT, related_name="entries")
    kind = models.CharField("类型", max_length=12, choices=Kind.choices)
    value_date = models.DateField("账务日期")
    key = models.CharField("幂等键", max_length=120, unique=True)
    source = models.CharField("事由", max_length=300)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    payment = models.ForeignKey(
        "loans.Payment", models.PROTECT, null=True, blank=True, related_name="entries"
    )
    schedule = models.ForeignKey(
        Schedule, models.PROTECT, null=True, blank=True, related_name="entries"
    )  # the schedule that this entry helped to open
    reverses = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="reversed_by"
    )
    at = models.DateTimeField("记账时间")

    class Meta(AppendOnly.Meta):
        verbose_name = verbose_name_plural = "分录"
        ordering = ["pk"]
        indexes = [models.Index(fields=["loan", "value_date"], name="entry_loan_value_date")]
        constraints = [
            models.CheckConstraint(condition=~Q(source=""), name="entry_has_source"),
            models.CheckConstraint(
                condition=Q(kind="reversal", reverses__isnull=False)
                | (~Q(kind="reversal") & Q(reverses__isnull=True)),
                name="entry_reverses_iff_reversal",
            ),
        ]

    def __str__(self) -> str:
        return f"{date_format(self.value_date)} {self.get_kind_display()}"


class Posting(AppendOnly):
    """One line of an entry: an account, the instalment it concerns, a signed amount."""

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="postings")
    account = models.CharField("科目", max_length=16, choices=Account.choices)
    instalment = models.ForeignKey(
        Instalment, models.PROTECT, null=True, blank=True, related_name="postings"
    )
    amount = MoneyField("金额")

    class Meta(AppendOnly.Meta):
        verbose_name = verbose_name_plural = "记账行"
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="posting_not_zero"),
            models.CheckConstraint(
                condition=Q(
                    account__in=[account.value for account in OF_THE_LOAN],
                    instalment__isnull=True,
                )
                | ~Q(account__in=[account.value for account in OF_THE_LOAN])
                & Q(instalment__isnull=False),
                name="posting_instalment_unless_of_loan",
            ),
            models.CheckConstraint(
                condition=Q(account__in=[account.value for account in Account]),
                name="posting_account_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_account_display()} {self.amount}"


class Payment(Kept):
    """Money received. ``split`` is the receipt; ``split_now`` follows later corrections."""

    MAY_CHANGE = frozenset({"split_now", "reversed_by"})
    SET_ONCE = frozenset({"reversed_by"})

    class Kind(models.TextChoices):
        REGULAR = "regular", "还款"
        PREPAYMENT = "prepayment", "提前还款"
        PAYOFF = "payoff", "结清还款"

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    loan = models.ForeignKey(Loan, models.PROTECT, related_name="payments")
    reference = models.CharField("渠道流水号", max_length=80, unique=True)
    amount = MoneyField("金额")
    paid_on = models.DateField("付款日")
    kind = models.CharField("类型", max_length=12, choices=Kind.choices)
    split = models.JSONField("入账明细（回单）")
    split_now = models.JSONField("入账明细（更正后）")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reversed_by = models.OneToOneField(
        Entry, models.PROTECT, null=True, blank=True, related_name="reversed_payment"
    )
    at = models.DateTimeField("记账时间")

    class Meta:
        verbose_name = verbose_name_plural = "还款记录"
        ordering = ["paid_on", "pk"]
        indexes = [models.Index(fields=["loan", "paid_on"], name="payment_loan_paid_on")]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(condition=~Q(reference=""), name="payment_has_reference"),
        ]

    def __str__(self) -> str:
        return f"{date_format(self.paid_on)} {self.amount}"

    @property
    def is_reversed(self) -> bool:
        return self.reversed_by_id is not None

    @property
    def is_corrected(self) -> bool:
        """Did a back-dated or reversed payment change how this one was split?"""
        return bool(self.split != self.split_now)
