"""Separate consents for sensitive papers: given for a text's version, withdrawable at any time."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from relief.domain.consents import CONSENT_LABELS, ConsentKind, consent_text


class ConsentQuerySet(models.QuerySet["Consent"]):
    """A person's consents, and those in force."""

    def for_user(self, user: Any) -> Self:
        return self.filter(user=user)

    def active(self) -> Self:
        return self.filter(withdrawn_at=None)


class Consent(models.Model):
    """One consent of one person to one kind of sensitive paper."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="consents", verbose_name="本人"
    )
    kind = models.CharField(
        "范围", max_length=12, choices=[(k.value, CONSENT_LABELS[k]) for k in ConsentKind]
    )
    version = models.CharField("文本版本", max_length=12)
    text_digest = models.CharField("文本摘要", max_length=64)
    given_at = models.DateTimeField("同意时间")
    given_from = models.GenericIPAddressField("来自", null=True, blank=True)
    withdrawn_at = models.DateTimeField("撤回时间", null=True, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "单独同意"
        ordering = ["-given_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind"],
                condition=Q(withdrawn_at=None),
                name="consent_one_in_force_per_kind",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | Q(withdrawn_at__gte=F("given_at")),
                name="consent_withdrawn_after_given",
            ),
        ]

    @property
    def text(self) -> str:
        """The text of the kind as it stands today."""
        return consent_text(ConsentKind(self.kind))
