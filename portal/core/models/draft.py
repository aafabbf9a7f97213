"""What somebody is still writing in a form, on whatever device."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Draft(models.Model):
    """The fields of one form of one person as last typed, sealed; `path` is where the form goes."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    path = models.CharField(max_length=300)
    sealed_fields = models.BinaryField(editable=False)
    saved_at = models.DateTimeField(db_index=True)  # real time

    class Meta:
        verbose_name = verbose_name_plural = "草稿"
        constraints = [
            models.UniqueConstraint(fields=["user", "path"], name="one_draft_of_a_form"),
        ]
