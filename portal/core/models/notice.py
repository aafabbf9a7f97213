"""A notice in the app (消息): what was said to somebody, word for word."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from portal.core.publicids import new_public_id


class NoticeQuerySet(models.QuerySet["Notice"]):
    def for_user(self, user: Any) -> NoticeQuerySet:
        return self.filter(user=user)

    def unread(self) -> NoticeQuerySet:
        return self.filter(read_at__isnull=True)


class Notice(models.Model):
    class Category(models.TextChoices):
        RELIEF = "relief", "减免"
        REPAYMENT = "repayment", "还款"
        SYSTEM = "system", "系统"

    public_id = models.CharField(max_length=12, unique=True, default=new_public_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="用户",
        on_delete=models.PROTECT,
        related_name="notices",
    )
    key = models.CharField("唯一键", max_length=190, unique=True)
    event = models.CharField("事件", max_length=60)
    category = models.CharField("分类", max_length=10, choices=Category, default=Category.RELIEF)
    title = models.CharField("标题", max_length=120)
    body = models.TextField("内容", blank=True)
    link = models.CharField("链接", max_length=200, blank=True)
    code = models.CharField("核对码", max_length=8)
    created_at = models.DateTimeField("时间")
    read_at = models.DateTimeField("已读时间", null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "消息"
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["user", "read_at"], name="notice_user_read")]

    def __str__(self) -> str:
        return self.title
