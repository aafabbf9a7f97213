"""Schedules and their instalments: superseded by new ones, never rewritten."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.formats import date_format

from loans.domain.plan_rules import PlanRules
from loans.models.loan import Loan
from portal.core.fields import MoneyField
from portal.core.models.append_only import AppendOnly, Kept

ZERO = Decimal("0.00")


class Schedule(Kept):
    """All instalments of a loan at one time.

    ``recomputed`` and ``accelerated`` replace only what was not yet due: the earlier
    instalments of the schedule they replace stay in force beside them. ``added`` replaces
    nothing: it puts one more instalment beside all that are in force.
    """

    MAY_CHANGE = frozenset({"superseded_on", "undone_on"})
    SET_ONCE = frozenset({"undone_on"})

    class Kind(models.TextChoices):
        ORIGINAL = "original", "原还款计划"
        RECOMPUTED = "recomputed", "提前还款后重算"
        PLAN = "plan", "新还款计划"
        ACCELERATED = "accelerated", "提前到期"
        BREACHED = "breached", "违约后到期"
        ADDED = "added", "追加应还"

    loan = models.ForeignKey(Loan, models.PROTECT, related_name="schedules")
    number = models.PositiveSmallIntegerField("序号")
    kind = models.CharField("类型", max_length=12, choices=Kind.choices)
    opened_on = models.DateField("生效日")
    superseded_on = models.DateField("被替换日", null=True, blank=True)
    replaces = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )
    undone_on = models.DateField("撤销日", null=True, blank=True)
    terms = models.JSONField("方案条款", null=True, blank=True)
    rules = models.JSONField("计划规则（执行时固定）", null=True, blank=True)
    source = models.CharField("依据", max_length=200)

    class Meta:
        verbose_name = verbose_name_plural = "还款计划"
        ordering = ["loan", "number"]
        constraints = [
            models.UniqueConstraint(fields=["loan", "number"], name="schedule_number_once"),
            models.UniqueConstraint(
                fields=["loan"], condition=Q(superseded_on__isnull=True), name="schedule_one_live"
            ),
            models.CheckConstraint(
                condition=Q(superseded_on__isnull=True) | Q(superseded_on__gte=F("opened_on")),
                name="schedule_superseded_after_opened",
            ),
            models.CheckConstraint(
                condition=Q(undone_on__isnull=True) | Q(superseded_on__isnull=False),
                name="schedule_undone_is_superseded",
            ),
            models.CheckConstraint(
                condition=Q(kind="original", replaces__isnull=True)
                | (~Q(kind="original") & Q(replaces__isnull=False)),
                name="schedule_replaces_iff_not_original",
            ),
            models.CheckConstraint(
                condition=Q(kind="plan", rules__isnull=False)
                | (~Q(kind="plan") & Q(rules__isnull=True)),
                name="schedule_rules_iff_plan",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"

    @property
    def is_partial(self) -> bool:
        """Replaces only what was not yet due, or nothing."""
        return self.kind in (self.Kind.RECOMPUTED, self.Kind.ACCELERATED, self.Kind.ADDED)

    @property
    def only_adds(self) -> bool:
        """Stands beside every instalment in force."""
        return self.kind == self.Kind.ADDED

    @property
    def is_live(self) -> bool:
        return self.superseded_on is None

    @property
    def is_plan(self) -> bool:
        return self.kind == self.Kind.PLAN

    @property
    def plan_rules(self) -> PlanRules:
        """The rules that this plan was executed under; other schedules have none."""
        if self.rules is None:
            raise TypeError("only a plan has rules")
        return PlanRules.from_dict(self.rules)


class Instalment(AppendOnly):
    """One 期 as promised on the day its schedule was made; what is paid lives in postings."""

    schedule = models.ForeignKey(Schedule, models.PROTECT, related_name="instalments")
    number = models.PositiveSmallIntegerField("期次")
    start_on = models.DateField("起息日")
    due_on = models.DateField("到期日")
    principal = MoneyField("本金")
    interest = MoneyField("利息", default=ZERO)
    kept_interest = MoneyField("保留利息", default=ZERO)
    kept_penalty = MoneyField("保留罚息", default=ZERO)

    class Meta(AppendOnly.Meta):
        verbose_name = verbose_name_plural = "期"
        ordering = ["schedule", "number"]
        indexes = [models.Index(fields=["due_on"], name="instalment_due_on")]
        constraints = [
            models.UniqueConstraint(fields=["schedule", "number"], name="instalment_number_once"),
            models.CheckConstraint(
                condition=Q(due_on__gte=F("start_on")), name="instalment_due_after_start"
            ),
            models.CheckConstraint(
                condition=Q(
                    principal__gte=0, interest__gte=0, kept_interest__gte=0, kept_penalty__gte=0
                ),
                name="instalment_nothing_negative",
            ),
            models.CheckConstraint(
                condition=Q(principal__gt=0)
                | Q(interest__gt=0)
                | Q(kept_interest__gt=0)
                | Q(kept_penalty__gt=0),
                name="instalment_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"第{self.number}期 {date_format(self.due_on)}"

    @property
    def total(self) -> Decimal:
        """What was promised: principal + interest + the two kept columns."""
        return self.principal + self.interest + self.kept_interest + self.kept_penalty
