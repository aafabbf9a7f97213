"""Issue, print and verify papers: the content is stored with its digest, the PDF is derived."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from portal.core.documents import pdf
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import business_date, in_shanghai
from portal.core.kernel.digests import canonical_json, digest_of, short_code
from portal.core.kernel.typed import compact
from portal.core.lender import lender
from portal.core.models import User
from portal.core.models.document import Document, DocumentKind
from portal.core.nudge import nudge
from portal.core.publicids import new_public_id
from portal.core.storage import private

logger = logging.getLogger(__name__)
CODE_LENGTH = 10
RENDER_BATCH = 20
SEALS: Mapping[DocumentKind, Mapping[str, Sequence[str]]] = {
    DocumentKind.AGREEMENT: {"出借人": (), "借款人": ("确认时间", "确认方式")},
    DocumentKind.CERTIFICATE: {"出借人": ()},
}  # who seals a paper, and which of its facts stand beside the seal
DAMAGED = "文件内容与出具时的摘要不一致，已停止提供下载，请联系客服"


@dataclass(frozen=True)
class Verification:
    """What /verify/ may say about a code: what the paper is and whether it is whole; never whose."""

    code: str
    kind: str
    title: str
    number: str
    digest: str
    issued_at: datetime
    intact: bool
    revoked_at: datetime | None = None


def issue(
    *,
    kind: str,
    number: str,
    user: User,
    about: str = "",
    title: str,
    snapshot: Mapping[str, Any],
    text: str,
    now: datetime,
) -> Document:
    """Store a paper with its digest and code inside the caller's transaction.

    The digest is SHA-256 over the canonical JSON of snapshot and text. Issuing the same kind and
    number with the same content returns the paper already there, with other content it raises
    RuleViolation. The PDF is made by a task, or at the first download.
    """
    content = json.loads(canonical_json(dict(snapshot)))
    digest, public_id = _digest(content, text), new_public_id()
    existing = Document.objects.filter(kind=kind, number=number).first()
    if existing is not None:
        if existing.digest != digest:
            raise RuleViolation(f"编号 {number} 的文件已经出具，内容不能更改", code="issued")
        return existing
    document = Document.objects.create(
        public_id=public_id,
        kind=DocumentKind(kind),
        number=number,
        code=short_code(f"{public_id}:{digest}", length=CODE_LENGTH),
        user=user,
        about=about,
        title=title,
        snapshot=content,
        text=text,
        digest=digest,
        issued_at=now,
    )
    nudge("portal.tasks.render_document", document.pk)
    return document


def revoke(*, kind: str, about: str, now: datetime) -> int:
    """Declare the papers of one kind about one thing void; returns how many were valid.

    Nothing is deleted: /verify/ answers from now on that the paper is void. Example: the 结清证明
    of a loan whose last payment was reversed.
    """
    papers = Document.objects.valid().filter(kind=DocumentKind(kind), about=about)
    return papers.update(revoked_at=now)


def render(document_id: int, *, now: datetime) -> bool:
    """Make the PDF of one paper and store it; twice makes the same bytes. False if it is damaged."""
    document = Document.objects.get(pk=document_id)
    if not is_intact(document):
        logger.error("document.damaged", extra={"document": document.pk})
        return False
    stored = private.save(_pdf_of(document), suffix=".pdf")
    Document.objects.filter(pk=document_id).update(stored_key=stored.key, rendered_at=now)
    return True


def render_pending(*, now: datetime, limit: int = RENDER_BATCH) -> int:
    """Make the PDFs whose task was lost; returns how many were made."""
    pending_ids = Document.objects.not_rendered().values_list("pk", flat=True)[:limit]
    return sum(render(pk, now=now) for pk in pending_ids)


def pdf_bytes(document: Document) -> bytes:
    """The PDF of a paper, made on the spot when its file is missing or cannot be had.

    Raises RuleViolation when the stored content no longer matches its digest.
    """
    if not is_intact(document):
        logger.error("document.damaged", extra={"document": document.pk})
        raise RuleViolation(DAMAGED, code="damaged")
    if document.stored_key:
        try:
            with private.open(document.stored_key) as stored:
                return bytes(stored.read())
        except OSError as lost:
            why = type(lost).__name__
            logger.warning("document.file_missing", extra={"document": document.pk, "why": why})
    return _pdf_of(document)


def is_intact(document: Document) -> bool:
    """Whether snapshot and text still have the digest they were issued with (one fen is enough)."""
    return _digest(document.snapshot, document.text) == document.digest


def verify(code: str) -> Verification | None:
    """What a code stands for, or None; what groups it and small letters are forgiven."""
    normalized = compact(code).upper()
    if not (normalized.isascii() and normalized.isalnum()) or len(normalized) > 2 * CODE_LENGTH:
        return None
    document = Document.objects.filter(code=normalized).first()
    if document is None:
        return None
    return Verification(
        code=document.code,
        kind=document.get_kind_display(),
        title=document.title,
        number=document.number,
        digest=document.digest,
        issued_at=document.issued_at,
        intact=is_intact(document),
        revoked_at=document.revoked_at,
    )


def _digest(snapshot: Any, text: str) -> str:
    return digest_of({"snapshot": snapshot, "text": text})


def _pdf_of(document: Document) -> bytes:
    proof = pdf.Proof(
        number=document.number,
        code=document.code,
        digest=document.digest,
        issued_on=business_date(document.issued_at),
        issued=in_shanghai(document.issued_at).strftime("%Y-%m-%d %H:%M"),
        address=f"{settings.PASSKEY_ORIGINS[0]}/verify/?code={document.code}",
    )
    return pdf.render_document(
        title=document.title,
        author=lender().name,
        text=document.text,
        seals=SEALS[DocumentKind(document.kind)],
        proof=proof,
    )
