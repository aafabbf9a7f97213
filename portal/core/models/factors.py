"""Second factors: an authenticator app, recovery codes, passkeys; no secret of them can be read here."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.core.publicids import new_public_id


class Authenticator(models.Model):
    """Somebody's authenticator app; its key is sealed, each of its codes counts once."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="authenticator"
    )
    sealed_key = models.BinaryField(editable=False)
    drift = models.SmallIntegerField(default=0)  # steps of 30 seconds by which its clock is off
    last_step = models.BigIntegerField(default=-1)  # of the latest code that was accepted
    enrolled_at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = "验证器"


class RecoveryCode(models.Model):
    """A code on paper for a lost device: only its keyed hash is kept, and when it was used."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="recovery_codes"
    )
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "恢复码"
        constraints = [
            models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once")
        ]


class Passkey(models.Model):
    """A passkey of somebody's phone, computer or security key; only its public half is known here."""

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="passkeys")
    name = models.CharField("名称", max_length=30)
    credential_id = models.CharField(max_length=1400, unique=True, editable=False)  # base64url
    public_key = models.BinaryField(editable=False)
    sign_count = models.PositiveBigIntegerField(default=0, editable=False)
    transports = models.JSONField(default=list, editable=False)
    created_at = models.DateTimeField("添加时间")
    last_used_at = models.DateTimeField("最近使用", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "通行密钥"
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name
