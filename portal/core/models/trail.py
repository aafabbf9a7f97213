"""The chain over all trails: links that each cover the one before, and the sealed end of each day."""

from __future__ import annotations

from django.db import models

from portal.core.models.append_only import AppendOnly
from portal.core.trail.seals import LENGTH


class TrailLink(AppendOnly):
    """One row of a trail, at its place in the chain: numbers run from 1 without a gap."""

    number = models.BigIntegerField(primary_key=True)
    trail = models.CharField(max_length=16)
    row_id = models.BigIntegerField()
    seal = models.CharField(max_length=LENGTH, unique=True)
    digest = models.CharField(max_length=LENGTH)
    at = models.DateTimeField()  # real

    class Meta(AppendOnly.Meta):
        verbose_name = verbose_name_plural = "记录链"
        constraints = [models.UniqueConstraint(fields=["trail", "row_id"], name="trail_row_once")]
        indexes = [models.Index(fields=["trail", "-at"], name="trail_latest")]

    def content(self, before: str) -> str:
        """What the digest covers; `before` is the digest of the link before, nothing for the first."""
        return f"{before}|{self.number}|{self.trail}|{self.row_id}|{self.seal}"


class TrailDay(AppendOnly):
    """The end of a day (Shanghai) on which rows were linked, sealed soon after midnight."""

    day = models.DateField(primary_key=True)
    number = models.BigIntegerField()
    digest = models.CharField(max_length=LENGTH)
    seal = models.CharField(max_length=LENGTH)

    class Meta(AppendOnly.Meta):
        verbose_name = verbose_name_plural = "记录链日封"

    def content(self) -> str:
        """What the seal covers."""
        return f"{self.day}|{self.number}|{self.digest}"
