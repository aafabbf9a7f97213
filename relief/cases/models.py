"""The versioned relief policy; a version in use is never edited, a new one is added."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.core.fields import MoneyField
from portal.core.models.append_only import AppendOnly
from portal.core.publicids import new_public_id
from portal.core.trail.seals import SealField
from relief.cases.policy import ReliefPolicy
from relief.cases.workflow import CLOSED, IN_PLAN, OPEN, Action, State


class Policy(AppendOnly):
    """One version; cases point to the version they were submitted under."""

    version = models.PositiveIntegerField("版本", unique=True)
    data = models.JSONField("规则", default=dict)
    note = models.CharField("说明", max_length=200, blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, verbose_name="制定人"
    )
    created_at = models.DateTimeField("生效时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "减免规则"
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"减免规则 v{self.version}"

    @classmethod
    def current(cls) -> Policy:
        """The newest version; the defaults of the code become version 1 when there is none."""
        newest = cls.objects.order_by("-version").first()
        if newest is not None:
            return newest
        first, _made = cls.objects.get_or_create(
            version=1, defaults={"data": ReliefPolicy().to_dict(), "note": "初始规则"}
        )
        return first

    @classmethod
    def current_rules(cls) -> ReliefPolicy:
        """The rules of the newest version, for readers: nothing is written."""
        newest = cls.objects.order_by("-version").first()
        return newest.rules if newest is not None else ReliefPolicy()

    @property
    def rules(self) -> ReliefPolicy:
        """The stored JSON as the domain's frozen policy."""
        return ReliefPolicy.from_dict(self.data)


CASE_NEEDS = ("loan", "borrower", "assigned_to", "policy")
STATES = [(state.value, state.value) for state in State]


class CaseQuerySet(models.QuerySet["Case"]):
    """Queries for cases."""

    def for_borrower(self, user: Any) -> Self:
        return self.filter(borrower=user)

    def visible_to(self, staff: Any) -> Self:
        """What somebody at the desk may open: everything submitted that is not their own."""
        own_ids = [staff.pk, staff.same_person_as_id or 0]
        return self.exclude(state=State.DRAFT).exclude(borrower__in=own_ids)

    def open(self) -> Self:
        return self.filter(state__in=OPEN)

    def in_plan(self) -> Self:
        return self.filter(state__in=IN_PLAN)

    def for_lists(self) -> Self:
        return self.select_related(*CASE_NEEDS)

    def of_visitor(self) -> Self:
        """The same without the borrower, for `user.cases`: those know whose they are."""
        return self.select_related(*(name for name in CASE_NEEDS if name != "borrower"))


class Case(models.Model):
    """One request for relief of one loan, from draft to its end; state has one writer, move()."""

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    number = models.CharField("申请编号", max_length=24, unique=True)
    loan = models.ForeignKey(
        "loans.Loan", models.PROTECT, related_name="cases", verbose_name="借款"
    )
    borrower = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="cases", verbose_name="借款人"
    )
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="+", verbose_name="规则版本")
    state = models.CharField("状态", max_length=20, choices=STATES, default=State.DRAFT.value)
    version = models.PositiveIntegerField(default=0)

    reasons = models.JSONField("原因", default=list, blank=True)
    statement = models.TextField("情况说明", blank=True, max_length=2000)
    income_before = MoneyField("此前每月收入", null=True, blank=True)
    monthly_income = MoneyField("每月收入", null=True, blank=True)
    monthly_spending = MoneyField("每月必要支出", null=True, blank=True)
    affordable_payment = MoneyField("每月可还", null=True, blank=True)
    draft_step = models.PositiveSmallIntegerField(default=1)

    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="assigned_cases",
        null=True,
        blank=True,
        verbose_name="处理人",
    )
    created_at = models.DateTimeField("创建时间")
    submitted_at = models.DateTimeField("提交时间", null=True, blank=True)
    review_target_at = models.DateTimeField(null=True, blank=True)
    review_due_at = models.DateTimeField("审核截止", null=True, blank=True)
    clock_stopped_at = models.DateTimeField(null=True, blank=True)
    remaining_workdays = models.PositiveSmallIntegerField(null=True, blank=True)
    reviewed_at = models.DateTimeField("审核结果时间", null=True, blank=True)
    escalated_at = models.DateTimeField("升级时间", null=True, blank=True)
    missed_promises = models.PositiveSmallIntegerField("已失约次数", default=0)
    delay_from = models.DateField("延误免息起", null=True, blank=True)
    delay_to = models.DateField("延误免息止", null=True, blank=True)
    next_due_at = models.DateTimeField("下一期限", null=True, blank=True, db_index=True)
    next_due_kind = models.CharField(max_length=20, blank=True)

    asked_kinds = models.JSONField("要求的材料", default=list, blank=True)
    ask_text = models.CharField("补充说明", max_length=500, blank=True)
    rounds = models.PositiveSmallIntegerField("还款建议次数", default=0)
    reject_code = models.CharField(max_length=32, blank=True)
    reject_text = models.CharField(max_length=500, blank=True)
    reject_advice = models.CharField(max_length=500, blank=True)
    rejected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True
    )
    rejected_at = models.DateTimeField(null=True, blank=True)
    reapply_on = models.DateField("可重新申请日", null=True, blank=True)
    appealed_at = models.DateTimeField("申诉时间", null=True, blank=True)
    appeal_text = models.CharField(max_length=1000, blank=True)
    expired_from = models.CharField(max_length=20, blank=True)
    closed_at = models.DateTimeField("结束时间", null=True, blank=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "减免申请"
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["loan"],
                condition=Q(state__in=sorted(OPEN)),
                name="case_one_open_per_loan",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in State]), name="case_state_known"
            ),
            models.CheckConstraint(
                condition=Q(escalated_at=None, missed_promises=0)
                | Q(escalated_at__isnull=False, missed_promises__gte=1),
                name="case_escalated_iff_missed",
            ),
        ]
        indexes = [models.Index(fields=["state", "review_due_at"])]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return State(self.state) in OPEN

    @property
    def cure_until(self) -> datetime | None:
        """Until when a warned plan can be cured: the instant stored with the warning."""
        return self.next_due_at if self.state == State.WARNED else None

    @property
    def is_closed(self) -> bool:
        return State(self.state) in CLOSED


class DeadlineQuerySet(models.QuerySet["Deadline"]):
    """Deadlines that wait, and those whose time has come."""

    def waiting(self) -> Self:
        return self.filter(handled_at=None, cancelled_at=None)

    def due(self, now: datetime) -> Self:
        return self.waiting().filter(due_at__lte=now).order_by("due_at", "pk")

    def with_case(self) -> Self:
        """With the case and what acting on it needs; what many cases share is read once."""
        needs = (f"case__{name}" for name in CASE_NEEDS)
        return self.select_related("case").prefetch_related(*needs)


class Deadline(models.Model):
    """An instant at which something happens by itself; computed once, stored, swept."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="deadlines")
    kind = models.CharField(max_length=20)
    due_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    objects = DeadlineQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "期限"
        constraints = [
            models.UniqueConstraint(
                fields=["case", "kind"],
                condition=Q(handled_at=None, cancelled_at=None),
                name="deadline_one_waiting_per_kind",
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(handled_at=None, cancelled_at=None),
                name="deadline_waiting",
            )
        ]


class Event(AppendOnly):
    """One line of the audit trail: a move, or something that happened without one."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="events")
    action = models.CharField("动作", max_length=32)
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True
    )
    role = models.CharField(max_length=12)
    note_public = models.CharField("说明", max_length=1000, blank=True)
    note_internal = models.CharField("内部备注", max_length=1000, blank=True)
    data = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField("时间", db_index=True)
    real_at = models.DateTimeField(auto_now_add=True)
    seal = SealField(trail="event")

    class Meta:
        verbose_name = verbose_name_plural = "办理记录"
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"办理记录 {self.pk}"

    @property
    def is_move(self) -> bool:
        return self.action in set(Action)
