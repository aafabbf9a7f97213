"""The outbox: one attempt to say something through one channel, and what is known of it."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

INSTEAD = "未送达，已改为电话"
TOO_LATE = "已过提醒的时间，没有发送"  # why a delivery ended that was not worth sending any more


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, now: datetime) -> DeliveryQuerySet:
        """Waiting, and its time has come."""
        return self.filter(status=Delivery.Status.PENDING, next_attempt_at__lte=now)

    def with_fallback(self) -> DeliveryQuerySet:
        """Each row with `called_instead`: whether the same words also go by phone."""
        calls = Delivery.objects.filter(channel=Delivery.Channel.PHONE)
        instead = Q(fallback_of=models.OuterRef("pk")) | Q(notice=models.OuterRef("notice"))
        return self.annotate(**{"called_instead": models.Exists(calls.filter(instead))})

    def about(self, subject: str) -> DeliveryQuerySet:
        """Of one case or loan: `case:k7q2m9x4tzbd`."""
        return self.filter(about=subject)


class Delivery(models.Model):
    class Channel(models.TextChoices):
        SMS = "sms", "短信"
        PHONE = "phone", "电话"

    class Status(models.TextChoices):
        PENDING = "pending", "待发送"
        CLAIMED = "claimed", "待发送（发送中）"
        SUBMITTED = "submitted", "已提交"
        DELIVERED = "delivered", "已送达"
        FAILED = "failed", "未送达"

    class Failure(models.TextChoices):
        TEMPORARY = "temporary", "暂时失败"
        PERMANENT = "permanent", "永久失败"

    public_id = models.UUIDField("投递编号", unique=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="用户",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="deliveries",
    )
    notice = models.ForeignKey(
        "portal.Notice",
        verbose_name="消息",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="deliveries",
    )
    channel = models.CharField("渠道", max_length=8, choices=Channel)
    event = models.CharField("事件", max_length=60)
    key = models.CharField("唯一键", max_length=200, unique=True)
    to = models.CharField("号码", max_length=11)
    text = models.TextField("内容", blank=True)
    code = models.CharField("核对码", max_length=8, blank=True, db_index=True)
    status = models.CharField("状态", max_length=10, choices=Status, default=Status.PENDING)
    about = models.CharField("关于", max_length=40, blank=True, db_index=True)
    mandatory = models.BooleanField("必须告知（不受短信开关限制）", default=False)
    exempt = models.BooleanField("不受时段限制（验证码）", default=False)
    attempts = models.PositiveSmallIntegerField("尝试次数", default=0)
    next_attempt_at = models.DateTimeField("下次发送")
    not_after = models.DateTimeField("过时于", null=True, blank=True)
    lease_until = models.DateTimeField("占用至", null=True, blank=True)
    ask_at = models.DateTimeField("下次查询回执", null=True, blank=True)
    provider_reference = models.CharField("通道回执", max_length=80, blank=True)
    failure = models.CharField("失败类型", max_length=10, choices=Failure, blank=True)
    error = models.CharField("失败原因", max_length=200, blank=True)
    created_at = models.DateTimeField("创建时间")
    submitted_at = models.DateTimeField("提交时间", null=True, blank=True)
    finished_at = models.DateTimeField("结束时间", null=True, blank=True)
    fallback_of = models.ForeignKey(
        "self",
        verbose_name="代替",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="fallbacks",
    )

    objects = DeliveryQuerySet.as_manager()
    called_instead = False  # set by with_fallback()

    class Meta:
        verbose_name = verbose_name_plural = "投递"
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["status", "next_attempt_at"], name="delivery_due"),
            models.Index(  # the order in which they are claimed
                fields=["-exempt", "next_attempt_at", "id"],
                condition=Q(status="pending"),
                name="delivery_waiting",
            ),
            models.Index(fields=["to", "-id"], name="delivery_to"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="claimed", lease_until__isnull=False)
                | ~Q(status="claimed") & Q(lease_until__isnull=True),
                name="delivery_lease_iff_claimed",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["delivered", "failed"], finished_at__isnull=False)
                | ~Q(status__in=["delivered", "failed"]) & Q(finished_at__isnull=True),
                name="delivery_finished_iff_ended",
            ),
            models.CheckConstraint(
                condition=~Q(status="failed") | ~Q(failure=""), name="delivery_failure_is_classed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} {self.event} {self.status_label}"

    @property
    def status_label(self) -> str:
        """What the screen says: only what is known."""
        if self.status == self.Status.CLAIMED:
            return str(self.Status.PENDING.label)
        if self.status == self.Status.FAILED and self.error == TOO_LATE:
            return TOO_LATE
        if self.status == self.Status.FAILED and self.channel == self.Channel.SMS:
            return INSTEAD if self.called_instead else str(self.Status.FAILED.label)
        return str(self.Status(self.status).label)
