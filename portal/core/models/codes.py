"""One-time codes and throttles; both in real time and in the database, so that no cache loss frees them."""

from __future__ import annotations

from django.db import models


class OneTimeCode(models.Model):
    """A code that was sent: only its keyed hash is kept, bound to phone, session and purpose."""

    phone = models.CharField(max_length=11)
    purpose = models.CharField(max_length=80)
    session_hash = models.CharField(max_length=64)
    asked_from = models.CharField(max_length=64, db_default="")  # a keyed hash of the network
    digest = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "验证码"
        indexes = [models.Index(fields=["phone", "purpose", "-id"], name="code_latest")]


class Throttle(models.Model):
    """One counted attempt; `subject` is a keyed hash of the phone, account or address."""

    scope = models.CharField(max_length=24)
    subject = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = "限流记录"
        indexes = [
            models.Index(fields=["scope", "subject", "at"], name="throttle_window"),
            models.Index(fields=["at"], name="throttle_age"),
        ]
