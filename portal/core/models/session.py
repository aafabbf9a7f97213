"""Who is logged in where: one row a session, which its owner can read and end."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.core.kernel.devices import mask_address
from portal.core.publicids import new_public_id


class SessionRecordQuerySet(models.QuerySet["SessionRecord"]):
    """A session is reached through its owner."""

    def of(self, user: Any) -> Self:
        return self.filter(user=user)

    def open(self) -> Self:
        return self.filter(ended_at=None)


class SessionRecord(models.Model):
    """Device and address of one login; times are real. The key is the engine's, and shown nowhere."""

    public_id = models.CharField(max_length=12, unique=True, default=new_public_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="session_records"
    )
    session_key = models.CharField(max_length=40, blank=True)  # none once ended
    device = models.CharField("设备", max_length=60)
    address = models.CharField("地址", max_length=45)
    created_at = models.DateTimeField("登录时间")
    used_at = models.DateTimeField("最近使用")
    ended_at = models.DateTimeField("结束时间", null=True)

    objects = SessionRecordQuerySet.as_manager()
    is_here = False  # set by the page that lists them: this very session

    class Meta:
        verbose_name = verbose_name_plural = "登录设备"
        ordering = ["-used_at", "-pk"]
        indexes = [
            models.Index(fields=["used_at"], condition=Q(ended_at=None), name="session_open")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["session_key"], condition=~Q(session_key=""), name="session_key_once"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, session_key__gt="")
                | Q(ended_at__isnull=False, session_key=""),
                name="session_key_iff_open",
            ),
        ]

    @property
    def masked_address(self) -> str:
        """203.0.*.*"""
        return mask_address(self.address)
