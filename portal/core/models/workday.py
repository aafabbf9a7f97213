"""The working-day calendar as a table: each day, where it comes from, editable by staff."""

from __future__ import annotations

from django.db import models


class WorkDay(models.Model):
    class Kind(models.TextChoices):
        WORK = "work", "工作日"
        OFF = "off", "休息日"

    class Source(models.TextChoices):
        OFFICIAL = "official", "国务院公布"
        PROVISIONAL = "provisional", "暂定"

    date = models.DateField("日期", primary_key=True)
    kind = models.CharField("类型", max_length=4, choices=Kind)
    name = models.CharField("名称", max_length=40, blank=True)
    source = models.CharField("来源", max_length=11, choices=Source, default=Source.PROVISIONAL)

    class Meta:
        verbose_name = verbose_name_plural = "工作日历"
        ordering = ["date"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["work", "off"]), name="workday_kind_is_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d} {self.get_kind_display()}"


class CalendarVersion(models.Model):
    """One row: a random mark that the database itself renews with every change of the calendar.

    By triggers (portal/core/trail/row_triggers.py), so that no writer can forget it; random, so that
    a mark that was rolled back never comes again with other days.
    """

    ONLY = 1
    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    mark = models.CharField(max_length=36, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "工作日历的版本"

    def __str__(self) -> str:
        return self.mark
