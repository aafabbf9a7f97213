"""A form that waits while whoever posted it proves who they are."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.core.publicids import new_public_id


class ParkedForm(models.Model):
    """Where it was going and its fields, sealed; taken up once, by the same person, within minutes."""

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    path = models.CharField(max_length=500)
    sealed_fields = models.BinaryField(editable=False)
    parked_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = verbose_name_plural = "待确认的表单"
