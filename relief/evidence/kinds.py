"""Which files may support a case: kinds, limits, names and the first look at the content.

Rules: relief/RULES.md §10 and PIPL 28–30 (separate consent for sensitive papers).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from portal.core.kernel.errors import InvalidInput
from relief.evidence.filecheck.pdf import MAX_PAGES

MEGABYTE: Final = 1024 * 1024
MAX_FILE_BYTES: Final = 10 * MEGABYTE
MAX_CASE_FILES: Final = 20
MAX_USER_BYTES: Final = 200 * MEGABYTE
MAX_NAME_LENGTH: Final = 80
HEAD_BYTES: Final = 1024  # what sniff() needs to see
DAYS_AFTER_REFUSAL: Final = 90
DAYS_AFTER_SETTLEMENT: Final = 180
ACCEPT_ATTRIBUTE: Final = ".jpg,.jpeg,.png,.heic,.heif,.webp,.pdf"
MOST_A_FILE: Final = f"{MAX_FILE_BYTES // MEGABYTE} MB"
# What is said before anybody chooses a file; the refusals below name the same numbers.
LIMITS: Final = (
    f"支持 JPG、PNG、HEIC、PDF（最多 {MAX_PAGES} 页），单个不超过 {MOST_A_FILE}，"
    f"每份申请最多 {MAX_CASE_FILES} 份，你的材料合计不超过 {MAX_USER_BYTES // MEGABYTE} MB"
)


class EvidenceKind(StrEnum):
    """What a file proves; the first six count for submitting."""

    INCOME = "income"
    BANK_FLOW = "bank_flow"
    UNEMPLOYMENT = "unemployment"
    MEDICAL = "medical"
    DISASTER = "disaster"
    HARDSHIP = "hardship"
    DEBT_LIST = "debt_list"
    IDENTITY = "identity"
    OTHER = "other"


KIND_LABELS: Final[dict[EvidenceKind, str]] = {
    EvidenceKind.INCOME: "收入证明",
    EvidenceKind.BANK_FLOW: "银行流水",
    EvidenceKind.UNEMPLOYMENT: "失业证明",
    EvidenceKind.MEDICAL: "医疗证明",
    EvidenceKind.DISASTER: "受灾证明",
    EvidenceKind.HARDSHIP: "困难证明",
    EvidenceKind.DEBT_LIST: "负债清单",
    EvidenceKind.IDENTITY: "身份证明",
    EvidenceKind.OTHER: "其他材料",
}
COUNTED_KINDS: Final = frozenset(list(EvidenceKind)[:6])


class EvidenceState(StrEnum):
    """Where one file stands; each file has its own."""

    UPLOADING = "uploading"
    CHECKING = "checking"
    PASSED = "passed"
    REPLACE = "replace"


STATE_LABELS: Final[dict[EvidenceState, str]] = {
    EvidenceState.UPLOADING: "上传中",
    EvidenceState.CHECKING: "检查中",
    EvidenceState.PASSED: "已通过",
    EvidenceState.REPLACE: "需更换",
}


# A check takes seconds. Who waits longer is told: a scanner or the place of files may be silent.
LONG_WAIT: Final = timedelta(minutes=5)
LONG_WAIT_NOTE: Final = (
    "检查比平时慢。文件已经收到，不会丢失，也不用重新上传；检查通过前谁都打不开。"
)


class ReplaceReason(StrEnum):
    """Why a file must be replaced: the first five are said by staff, the rest by the check."""

    BLURRED = "blurred"
    PAGES_MISSING = "pages_missing"
    OUTDATED = "outdated"
    UNRELATED = "unrelated"
    OTHER = "other"
    UNREADABLE = "unreadable"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_PAGES = "too_many_pages"
    TOO_HEAVY = "too_heavy"
    ENCRYPTED = "encrypted"
    ACTIVE_CONTENT = "active_content"
    INFECTED = "infected"


REASON_LABELS: Final[dict[ReplaceReason, str]] = {
    ReplaceReason.BLURRED: "模糊",
    ReplaceReason.PAGES_MISSING: "缺页",
    ReplaceReason.OUTDATED: "过期",
    ReplaceReason.UNRELATED: "无关",
    ReplaceReason.OTHER: "其他原因",
    ReplaceReason.UNREADABLE: "打不开",
    ReplaceReason.TOO_MANY_PIXELS: "图片过大",
    ReplaceReason.TOO_MANY_PAGES: "页数过多",
    ReplaceReason.TOO_HEAVY: "内容过大",
    ReplaceReason.ENCRYPTED: "已加密",
    ReplaceReason.ACTIVE_CONTENT: "安全检查未通过",
    ReplaceReason.INFECTED: "发现病毒",
}
REASON_SENTENCES: Final[dict[ReplaceReason, str]] = {
    ReplaceReason.BLURRED: "照片看不清，请在光线充足处重新拍摄",
    ReplaceReason.PAGES_MISSING: "材料缺页，请补全后重新上传",
    ReplaceReason.OUTDATED: "材料已过期，请上传近 3 个月内的材料",
    ReplaceReason.UNRELATED: "材料与申请原因无关，请换一份",
    ReplaceReason.OTHER: "请按客服的说明换一份",
    ReplaceReason.UNREADABLE: "文件打不开，可能已损坏。请重新导出或拍照后再上传",
    ReplaceReason.TOO_MANY_PIXELS: "图片尺寸过大（最多 6400 万像素，单边不超过 65500）。请缩小后重新上传",
    ReplaceReason.TOO_MANY_PAGES: f"PDF 超过 {MAX_PAGES} 页，请只保留有关的页后重新上传",
    ReplaceReason.TOO_HEAVY: "文件内容过大，无法检查。请改为照片或重新导出后上传",
    ReplaceReason.ENCRYPTED: "PDF 要密码才能打开，无法查看。请取消打开密码后重新上传",
    ReplaceReason.ACTIVE_CONTENT: "安全检查未通过，请换一份（PDF 含脚本、程序或多媒体）",
    ReplaceReason.INFECTED: "病毒检查发现问题，请用杀毒软件清理后重新导出，或换一份上传",
}
STAFF_REASONS: Final = tuple(list(ReplaceReason)[:5])


class Dropped(StrEnum):
    """What the check takes out of a file that it accepts; the pages stay as they were."""

    ATTACHMENTS = "attachments"
    PRINTING = "printing"
    LINKS = "links"
    LOCK = "lock"
    FRAMES = "frames"


DROPPED_LABELS: Final[dict[Dropped, str]] = {
    Dropped.ATTACHMENTS: "夹带的附件",
    Dropped.PRINTING: "打开时自动打印",
    Dropped.LINKS: "网址链接",
    Dropped.LOCK: "打印、修改的限制",
    Dropped.FRAMES: "第一张以外的画面",
}


def dropped_sentence(codes: Collection[str]) -> str:
    """What the borrower is told of it: ["attachments"] → "已去掉夹带的附件，页面内容都在"; [] → ""."""
    labels = [DROPPED_LABELS[code] for code in Dropped if code.value in codes]
    return f"已去掉{'、'.join(labels)}，页面内容都在" if labels else ""


class SignatureVerdict(StrEnum):
    """What became of the verification of one digital signature, made before the file is rewritten."""

    TRUSTED = "trusted"
    INTACT = "intact"
    CHANGED = "changed"
    BROKEN = "broken"
    UNKNOWN = "unknown"


VERDICT_LABELS: Final[dict[SignatureVerdict, str]] = {
    SignatureVerdict.TRUSTED: "签名有效，签名后没有改动，证书可信",
    SignatureVerdict.INTACT: "签名后没有改动；证书没有核实，请看清签名人",
    SignatureVerdict.CHANGED: "签名后内容有改动",
    SignatureVerdict.BROKEN: "签名与内容不符",
    SignatureVerdict.UNKNOWN: "有签名，但不能核验",
}


@dataclass(frozen=True)
class Signature:
    """One digital signature of a PDF: who signed by the certificate, what verification said, and when
    by the signer's own clock (ISO 8601, or "")."""

    signer: str
    verdict: SignatureVerdict
    signed_at: str = ""

    @property
    def label(self) -> str:
        return VERDICT_LABELS[self.verdict]


# The reasons for asking (relief/RULES.md §3) → what usually proves them, in the order of the screen.
SUGGESTED_KINDS: Final[dict[str, tuple[EvidenceKind, ...]]] = {
    "disaster": (EvidenceKind.DISASTER, EvidenceKind.INCOME),
    "illness": (EvidenceKind.MEDICAL, EvidenceKind.INCOME),
    "accident": (EvidenceKind.MEDICAL, EvidenceKind.HARDSHIP, EvidenceKind.INCOME),
    "job_loss": (EvidenceKind.UNEMPLOYMENT, EvidenceKind.BANK_FLOW),
    "income_loss": (EvidenceKind.INCOME, EvidenceKind.BANK_FLOW),
    "family": (EvidenceKind.HARDSHIP, EvidenceKind.INCOME),
    "other": (EvidenceKind.HARDSHIP, EvidenceKind.INCOME, EvidenceKind.BANK_FLOW),
}
HINTS: Final[dict[EvidenceKind, str]] = {
    EvidenceKind.INCOME: "收入变化证明、工资单或单位证明",
    EvidenceKind.BANK_FLOW: "近 3 个月银行流水",
    EvidenceKind.UNEMPLOYMENT: "离职证明或失业登记",
    EvidenceKind.MEDICAL: "诊断证明、出院小结或住院费用单据",
    EvidenceKind.DISASTER: "受灾证明或现场照片",
    EvidenceKind.HARDSHIP: "社区、单位开具的困难证明",
    EvidenceKind.DEBT_LIST: "其他借款的账单或清单",
    EvidenceKind.IDENTITY: "身份证或户口本",
    EvidenceKind.OTHER: "其他能说明情况的材料",
}


class FileType(StrEnum):
    """The types a file may have, judged by its content; the value is the MIME type."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    HEIC = "image/heic"
    PDF = "application/pdf"


CHECK_KINDS: Final[dict[FileType, str]] = {
    FileType.JPEG: "image",
    FileType.PNG: "image",
    FileType.WEBP: "image",
    FileType.HEIC: "heic",
    FileType.PDF: "pdf",
}
_HEIC_BRANDS: Final = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
)


def sniff(head: bytes) -> FileType | None:
    """The type that the first bytes (≤ 1,024 are looked at) declare, or None; names are not asked.

    Example: b"\\xff\\xd8\\xff…" → JPEG whatever the file is called; b"<svg…" → None.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return FileType.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return FileType.PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return FileType.WEBP
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return FileType.HEIC
    if head[:HEAD_BYTES].lstrip(b"\xef\xbb\xbf\r\n\t \x00").startswith(b"%PDF-"):
        return FileType.PDF
    return None


def clean_name(name: str) -> str:
    """The name to show: last path part, no control or direction characters, ≤ 80 characters.

    Example: "../../etc/passwd" → "passwd"; "\\u202egnp.exe" → "gnp.exe"; "" → "未命名文件".
    The stored name never comes from it.
    """
    text = unicodedata.normalize("NFC", name.replace("\\", "/")).split("/")[-1]
    printable = "".join(
        " " if character.isspace() else character
        for character in text
        if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
        or character in "\r\n\t"
    )
    plain = " ".join(printable.split()).lstrip(". ")
    if len(plain) > MAX_NAME_LENGTH:
        stem, dot, ending = plain.rpartition(".")
        ending = dot + ending if dot and len(ending) <= 8 else ""
        plain = (stem if ending else plain)[: MAX_NAME_LENGTH - len(ending)] + ending
    return plain or "未命名文件"


def size_text(size: int) -> str:
    """Bytes as people read them: 13002342 → "12.4 MB", 900 → "1 KB"."""
    if size >= MEGABYTE:
        tenths = -(-size * 10 // MEGABYTE)
        return f"{tenths // 10}.{tenths % 10} MB"
    return f"{max(1, -(-size // 1024))} KB"


def check_upload(*, size: int, head: bytes, case_files: int, user_bytes: int) -> FileType:
    """The cheap checks at upload, in bytes; returns the type or raises InvalidInput("file", …).

    Limits: 10 MB a file, 20 files a case, 200 MB a borrower (relief/RULES.md §10).
    """
    if size < 1:
        raise InvalidInput("file", "文件是空的，请重新选择")
    if size > MAX_FILE_BYTES:
        raise InvalidInput(
            "file", f"文件超过 {MOST_A_FILE}（当前 {size_text(size)}），请压缩后重新选择"
        )
    file_type = sniff(head)
    if file_type is None:
        raise InvalidInput("file", "文件类型不支持。请改为 JPG、PNG、HEIC 或 PDF")
    if case_files >= MAX_CASE_FILES:
        raise InvalidInput("file", f"每个申请最多上传 {MAX_CASE_FILES} 份材料，请先删除不需要的")
    if user_bytes + size > MAX_USER_BYTES:
        most = f"{MAX_USER_BYTES // MEGABYTE} MB"
        taken = size_text(user_bytes)
        raise InvalidInput("file", f"你的材料合计最多 {most}（已用 {taken}），请先删除不需要的材料")
    return file_type


def parse_kind(text: str) -> EvidenceKind:
    """The kind a form names; raises InvalidInput("kind", …) for anything else."""
    try:
        return EvidenceKind(text)
    except ValueError:
        raise InvalidInput("kind", "请选择材料类型") from None


def suggested_kinds(reasons: Collection[str]) -> tuple[EvidenceKind, ...]:
    """What to suggest for the chosen reasons, each kind once, in the order of the reasons.

    Example: {"illness"} → (MEDICAL, INCOME).
    """
    suggested = [kind for key in SUGGESTED_KINDS if key in reasons for kind in SUGGESTED_KINDS[key]]
    return tuple(dict.fromkeys(suggested or SUGGESTED_KINDS["other"]))


def purge_date(*, ended_on: date, settled: bool) -> date:
    """When the bytes go: 180 days after settlement, 90 after rejection or withdrawal.

    Example: rejected on 2026-11-26 → 2027-02-24.
    """
    days = DAYS_AFTER_SETTLEMENT if settled else DAYS_AFTER_REFUSAL
    return ended_on + timedelta(days=days)
