"""Calls that a person makes: the task with its script, and every call with its outcome."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.core.models.append_only import AppendOnly


class CallOutcome(models.TextChoices):
    REACHED = "reached", "已接通"
    NO_ANSWER = "no_answer", "无人接听"
    WRONG_NUMBER = "wrong_number", "号码有误"
    REFUSED = "refused", "对方拒绝通话"


class PhoneTask(models.Model):
    """One phone notice in the staff queue; open while `done_at` is empty."""

    Outcome = CallOutcome

    delivery = models.OneToOneField(
        "portal.Delivery",
        verbose_name="投递",
        on_delete=models.PROTECT,
        related_name="phone_task",
    )
    script = models.TextField("通话要点")
    outcome = models.CharField("结果", max_length=12, choices=CallOutcome, blank=True)
    attempts = models.PositiveSmallIntegerField("拨打次数", default=0)
    created_at = models.DateTimeField("创建时间")
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="完成人",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    done_at = models.DateTimeField("完成时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "电话任务"
        ordering = ["done_at", "created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(done_at__isnull=True, done_by__isnull=True)
                | models.Q(done_at__isnull=False, done_by__isnull=False),
                name="phone_task_done_by_somebody",
            )
        ]

    def __str__(self) -> str:
        return f"电话任务 {self.pk}"


class PhoneCall(AppendOnly):
    """One call that was made, counted for the limit of three a day."""

    task = models.ForeignKey(PhoneTask, on_delete=models.PROTECT, related_name="calls")
    outcome = models.CharField("结果", max_length=12, choices=CallOutcome)
    note = models.CharField("备注", max_length=200, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField("时间")

    class Meta(AppendOnly.Meta):
        verbose_name = verbose_name_plural = "通话记录"
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()}"
