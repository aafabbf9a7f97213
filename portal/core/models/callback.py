"""Signed calls of a provider that were taken already: the same call again has no second effect."""

from __future__ import annotations

from django.db import models


class ProviderCall(models.Model):
    """The digest of one authenticated call, kept longer than its timestamp is accepted."""

    digest = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = verbose_name_plural = "通道回调"
