"""The versioned relief policy; a version in use is never edited, a new one is added."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models

from relief.domain.policy import ReliefPolicy


class Policy(models.Model):
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

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None and not self._state.adding:
            raise TypeError("规则的旧版本不能修改，请新增一个版本")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("规则版本不能删除")

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

    @property
    def rules(self) -> ReliefPolicy:
        """The stored JSON as the domain's frozen policy."""
        return ReliefPolicy.from_dict(self.data)
