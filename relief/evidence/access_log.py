"""Show a file: the checked copy only, stamped with the viewer, and logged for the borrower."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, cast

from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import in_shanghai
from portal.core.kernel.roles import RANK_LABELS, Rank
from portal.core.models import User
from portal.core.storage import private
from relief.evidence import pages, watermark
from relief.evidence.filecheck.bundle import BundlePage, write_bundle
from relief.evidence.kinds import EvidenceState, FileType
from relief.evidence.models import Evidence, EvidenceAccess, EvidencePage

LEAFING = timedelta(hours=1)  # for how long a logged look at a file lets its pages be told apart


@dataclass(frozen=True)
class OpenedFile:
    """What the view streams: fixed type, a clean name, and how many pages there are."""

    stream: BinaryIO
    content_type: str
    file_name: str
    page: int
    pages: int


def open_evidence(
    *, evidence: Evidence, actor: User, now: datetime, page: int = 1, whole: bool = False
) -> OpenedFile:
    """The checked copy of a file. Borrowers get it as it is; staff a stamped picture of one page.

    `whole` gives staff all pages of it as one PDF of such pictures, with the text to be searched. Every
    access of staff is written down before a byte leaves; the borrower reads it in 谁看过我的材料. Raises RuleViolation when there
    is nothing that may be shown.
    """
    _check_open(evidence, actor, page)
    is_pdf = evidence.clean_type == FileType.PDF
    if actor.is_borrower:
        return _opened(evidence, private.open(evidence.clean_key), evidence.clean_type, page)
    EvidenceAccess.objects.create(
        evidence=evidence,
        viewer=actor,
        viewer_label=viewer_label(actor),
        page=page,
        whole=whole and is_pdf,
        at=now,
    )
    if whole and is_pdf:
        return _opened(evidence, _stamped_pdf(evidence, stamp_text(actor, now)), FileType.PDF, page)
    stamped = watermark.stamp(pages.picture(_drawn(evidence, page)), stamp_text(actor, now))
    return _opened(evidence, io.BytesIO(stamped), FileType.JPEG.value, page)


def unread_by(viewer: User, case_id: int) -> list[Evidence]:
    """The files of a case that can be opened, and that this person has never opened."""
    papers = Evidence.objects.current().filter(case_id=case_id).exclude(clean_key="")
    papers = papers.filter(bytes_purged_at=None).order_by("pk")
    return list(papers.exclude(accesses__viewer=viewer))


def open_thumbnail(
    *, evidence: Evidence, actor: User, now: datetime, real: datetime, page: int
) -> OpenedFile:
    """One page of the strip beside the page that somebody looks at: too small to be read, stamped too.

    It is no look of its own: a hundred lines for a hundred small pictures would hide from the
    borrower which pages were read. So it is given only to whom the log names already, as having opened
    this file within the last hour of real time. RuleViolation otherwise.
    """
    _check_open(evidence, actor, page)
    opened = EvidenceAccess.objects.filter(evidence=evidence, viewer=actor)
    if not opened.filter(real_at__gt=real - LEAFING).exists():
        raise RuleViolation("请先打开这份材料的一页。", code="not-opened")
    small = watermark.stamp(pages.thumbnail(_drawn(evidence, page)), stamp_text(actor, now))
    return _opened(evidence, io.BytesIO(small), FileType.JPEG.value, page)


def viewer_label(actor: User) -> str:
    """How a member of staff is named to the borrower: 客服 K1001（审核员）."""
    return f"{actor.public_name}（{RANK_LABELS[Rank(actor.rank)]}）"


def stamp_text(actor: User, now: datetime) -> str:
    """What is written across the picture: 客服 K1001 2026-11-26 15:32 仅供审核."""
    return f"{actor.public_name} {in_shanghai(now):%Y-%m-%d %H:%M} 仅供审核"


def _check_open(evidence: Evidence, actor: User, page: int) -> None:
    """Whether this person may be shown this page now."""
    if not Evidence.objects.visible_to(actor).filter(pk=evidence.pk).exists():
        raise RuleViolation("没有权限查看这份材料。", code="not-yours")
    if evidence.bytes_purged_at is not None:
        raise RuleViolation("这份材料已按期删除，只保留摘要与处理结果。", code="purged")
    if evidence.withdrawn_at is not None and not actor.is_borrower:
        raise RuleViolation("借款人已移除或更换这份材料。", code="withdrawn")
    if evidence.state == EvidenceState.CHECKING:
        raise RuleViolation("文件正在检查，请稍后再看。", code="checking")
    if not evidence.clean_key:
        raise RuleViolation(evidence.problem or "这份材料不能显示。", code="refused")
    if not 1 <= page <= max(evidence.pages, 1):
        raise RuleViolation(f"这份材料共 {evidence.pages} 页，没有第 {page} 页。", code="page")


def _drawn(evidence: Evidence, page: int) -> EvidencePage:
    """The page as the check has drawn it."""
    drawn = evidence.drawn_pages.filter(number=page).first()
    if drawn is None:  # checked before the check drew pages; the sweep draws them
        raise RuleViolation("页面图正在生成，请稍后再看。", code="page")
    return drawn


def _stamped_pdf(evidence: Evidence, label: str) -> BinaryIO:
    """What the check has drawn, nothing of the file itself: a page at a time, in a file of its own."""
    lines = pages.text_layer(evidence)
    drawn = (
        BundlePage(
            jpeg=pages.picture(page),
            width=page.width,
            height=page.height,
            lines=lines.get(page.number, []),
        )
        for page in pages.pages_of(evidence)
    )
    target = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the response closes it
    write_bundle(target, drawn, mark=watermark.tile(label))
    target.seek(0)
    return target


def _opened(evidence: Evidence, stream: BinaryIO, content_type: str, page: int) -> OpenedFile:
    name = evidence.file_name
    if content_type == FileType.JPEG and evidence.clean_type == FileType.PDF:
        name = f"{name.removesuffix('.pdf')}-{page}.jpg"
    return OpenedFile(stream, content_type, name, page, max(evidence.pages, 1))
