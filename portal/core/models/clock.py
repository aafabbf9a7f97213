"""The demo's virtual clock and the sign of life of beat and worker."""

from __future__ import annotations

from datetime import timedelta

from django.db import models


class DemoClock(models.Model):
    """One row: how far the demo is ahead of real time. Ignored unless DEMO is on."""

    ONLY = 1
    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    offset = models.DurationField("比真实时间快", default=timedelta(0))

    class Meta:
        verbose_name = verbose_name_plural = "演示时钟"
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="demo_clock_is_one"),
            models.CheckConstraint(
                condition=models.Q(offset__gte=timedelta(0)), name="demo_clock_not_behind"
            ),
        ]

    def __str__(self) -> str:
        return f"快 {self.offset}"


class Heartbeat(models.Model):
    """When beat and a worker last showed themselves together, in real time."""

    name = models.CharField(max_length=20, unique=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = "心跳"

    def __str__(self) -> str:
        return self.name
