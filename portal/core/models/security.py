"""The trail of accounts: who logged in or failed to, from where, and what became of their rights."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.core.kernel.devices import mask_address
from portal.core.kernel.security import KIND_LABELS, SecurityKind
from portal.core.models.append_only import AppendOnly, AppendOnlyQuerySet
from portal.core.trail.seals import SealField


class SecurityEventQuerySet(AppendOnlyQuerySet["SecurityEvent"]):
    """Append-only; read by whose account it is."""

    def about(self, user: Any) -> Self:
        """What happened to this person's account, and what they did to others'."""
        return self.filter(Q(user=user) | Q(actor=user))


class SecurityEvent(AppendOnly):
    """One line, in real time; `user` is whose account it is, empty for an account nobody has."""

    kind = models.CharField("事件", max_length=32)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name="账户",
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name="操作人",
    )
    address = models.CharField("地址", max_length=45, blank=True)
    device = models.CharField("设备", max_length=60, blank=True)
    detail = models.CharField("说明", max_length=200, blank=True)
    at = models.DateTimeField("时间", db_index=True)
    seal = SealField(trail="security")

    objects = SecurityEventQuerySet.as_manager()  # type: ignore[misc]  # AppendOnly declares a wider one

    class Meta:
        verbose_name = verbose_name_plural = "登录与安全记录"
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return self.label

    @property
    def masked_address(self) -> str:
        """203.0.*.*, for the one whose account it is; auditors read the whole."""
        return mask_address(self.address)

    @property
    def label(self) -> str:
        """The kind in words; a kind of a newer version keeps its name."""
        return KIND_LABELS[SecurityKind(self.kind)] if self.kind in set(SecurityKind) else self.kind
