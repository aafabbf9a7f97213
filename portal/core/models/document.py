"""Papers that were issued: the stored content is the truth, its PDF can be made again."""

from __future__ import annotations

from typing import Any, NoReturn, Self

from django.conf import settings
from django.db import models

from portal.core.models.append_only import AppendOnlyError, Kept
from portal.core.publicids import new_public_id


class DocumentKind(models.TextChoices):
    """What a paper is."""

    AGREEMENT = "agreement", "协商还款协议"
    CERTIFICATE = "certificate", "结清证明"


class DocumentQuerySet(models.QuerySet["Document"]):
    """A paper is reached through its owner, or by its code alone on the page of verification."""

    def for_user(self, user: Any) -> Self:
        return self.filter(user=user)

    def valid(self) -> Self:
        return self.filter(revoked_at=None)

    def not_rendered(self) -> Self:
        return self.filter(rendered_at=None).order_by("pk")

    def delete(self) -> NoReturn:
        raise AppendOnlyError("Document rows are never deleted")


class Document(Kept):
    """One issued paper; content and digest never change, `stored_key` names the derived PDF."""

    MAY_CHANGE = frozenset({"revoked_at", "stored_key", "rendered_at"})

    public_id = models.CharField(max_length=16, unique=True, default=new_public_id, editable=False)
    kind = models.CharField("类型", max_length=12, choices=DocumentKind.choices)
    code = models.CharField("验证码", max_length=16, unique=True)
    number = models.CharField("编号", max_length=32)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="documents", verbose_name="本人"
    )
    about = models.CharField("关于", max_length=40, blank=True, db_index=True)
    title = models.CharField("标题", max_length=80)
    snapshot = models.JSONField("内容快照")
    text = models.TextField("正文")
    digest = models.CharField("内容摘要", max_length=64)
    issued_at = models.DateTimeField("出具时间")
    revoked_at = models.DateTimeField("作废时间", null=True, blank=True)
    stored_key = models.CharField(max_length=120, blank=True)
    rendered_at = models.DateTimeField(null=True, blank=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "文件"
        ordering = ["-issued_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "number"], name="document_number_once")
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(rendered_at=None),
                name="document_not_rendered",
            )
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.number}"

    @property
    def file_name(self) -> str:
        """The name under which it is downloaded, for example 结清证明-JQ20271126-0001.pdf."""
        return f"{self.get_kind_display()}-{self.number}.pdf"
