"""What somebody asked for about their own data: copies of it, each for a day, and its erasure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.core.publicids import new_public_id


class ExportState(models.TextChoices):
    """Where a copy stands; the first two are running."""

    WAITING = "waiting", "等待生成"
    MAKING = "making", "正在生成"
    READY = "ready", "可以下载"
    FAILED = "failed", "没有生成"
    ENDED = "ended", "已删除"


RUNNING = (ExportState.WAITING, ExportState.MAKING)


class DataExportQuerySet(models.QuerySet["DataExport"]):
    """Copies are found through whose data they are."""

    def for_user(self, user: Any) -> Self:
        return self.filter(user=user)

    def running(self) -> Self:
        return self.filter(state__in=RUNNING)

    def to_take_up(self, real: datetime) -> Self:
        """Those that nobody makes: new ones, and those whose worker is gone."""
        waits = Q(state=ExportState.WAITING) | Q(state=ExportState.MAKING, lease_until__lte=real)
        return self.filter(waits).order_by("pk")

    def overdue(self, real: datetime) -> Self:
        """Those whose day is over and whose bytes are still there."""
        return self.filter(state=ExportState.READY, expires_at__lte=real).order_by("pk")


class DataExport(models.Model):
    """One copy of somebody's data as a ZIP; all times are real. The row stays when the bytes go."""

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="data_exports", verbose_name="本人"
    )
    state = models.CharField(
        "状态", max_length=8, choices=ExportState.choices, default=ExportState.WAITING
    )
    asked_at = models.DateTimeField("申请时间")
    # Which attempt this is: a worker that comes back after its lease writes nothing any more.
    attempt = models.PositiveSmallIntegerField("第几次生成", default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    parts_done = models.PositiveIntegerField("已完成", default=0)
    parts_total = models.PositiveIntegerField("共", default=0)
    stored_key = models.CharField(max_length=120, blank=True)
    size = models.PositiveBigIntegerField("大小", default=0)
    sha256 = models.CharField("摘要", max_length=64, blank=True)
    ready_at = models.DateTimeField("生成时间", null=True, blank=True)
    expires_at = models.DateTimeField("有效期至", null=True, blank=True)
    downloads = models.PositiveIntegerField("下载次数", default=0)

    objects = DataExportQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "个人数据副本"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(state__in=[state.value for state in RUNNING]),
                name="export_one_running_per_person",
            ),
            models.CheckConstraint(
                condition=Q(state="ready", stored_key__gt="", expires_at__isnull=False)
                | ~Q(state="ready") & Q(stored_key=""),
                name="export_has_bytes_iff_ready",
            ),
        ]

    def __str__(self) -> str:
        return f"个人数据副本 {self.public_id}"

    @property
    def is_running(self) -> bool:
        return self.state in RUNNING

    def can_be_taken(self, real: datetime) -> bool:
        """Whether the bytes are there and their day is not over."""
        return (
            self.state == ExportState.READY
            and self.expires_at is not None
            and real < self.expires_at
        )

    @property
    def percent(self) -> int:
        """How far it is, 0 to 100; nothing is known before the parts are counted."""
        return self.parts_done * 100 // self.parts_total if self.parts_total else 0

    @property
    def file_name(self) -> str:
        return f"kuanxi-my-data-{self.public_id}.zip"


class ErasureState(models.TextChoices):
    """Where a request for erasure stands; the first two are not at their end."""

    PENDING = "pending", "等待答复"
    APPROVED = "approved", "正在删除"
    REFUSED = "refused", "未同意"
    WITHDRAWN = "withdrawn", "已撤回"
    DONE = "done", "已删除"


GOING_ON = (ErasureState.PENDING, ErasureState.APPROVED)


class ErasureRequestQuerySet(models.QuerySet["ErasureRequest"]):
    """Requests are found through who asked."""

    def for_user(self, user: Any) -> Self:
        return self.filter(user=user)

    def going_on(self) -> Self:
        return self.filter(state__in=GOING_ON)


class ErasureRequest(models.Model):
    """One request to erase somebody's data, its answer and its execution; business times."""

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="erasures", verbose_name="借款人"
    )
    state = models.CharField(
        "状态", max_length=10, choices=ErasureState.choices, default=ErasureState.PENDING
    )
    asked_at = models.DateTimeField("申请时间")
    due_at = models.DateTimeField("答复期限")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="答复人",
    )
    decided_at = models.DateTimeField("答复时间", null=True, blank=True)
    reason = models.CharField("不同意的原因", max_length=300, blank=True)
    again_on = models.DateField("可再次申请日", null=True, blank=True)
    erased_at = models.DateTimeField("删除时间", null=True, blank=True)
    erased = models.JSONField("删除的数量", default=dict, blank=True)  # name → how many

    objects = ErasureRequestQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "删除个人信息申请"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(state__in=[state.value for state in GOING_ON]),
                name="erasure_one_going_on_per_person",
            ),
            models.CheckConstraint(
                condition=Q(state="refused") & ~Q(reason="") | ~Q(state="refused") & Q(reason=""),
                name="erasure_reason_iff_refused",
            ),
            models.CheckConstraint(
                condition=Q(state="done", erased_at__isnull=False)
                | ~Q(state="done") & Q(erased_at=None),
                name="erasure_done_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(decided_by=models.F("user")), name="erasure_not_ones_own"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} 的删除申请"
