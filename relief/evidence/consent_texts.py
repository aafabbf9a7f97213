"""The separate consents for sensitive papers (PIPL 28–30): which text, in which version."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Final

from relief.evidence.kinds import EvidenceKind


class ConsentKind(StrEnum):
    """What is consented to, each by itself; the values are kinds of evidence."""

    MEDICAL = "medical"
    BANK_FLOW = "bank_flow"
    IDENTITY = "identity"


CONSENT_LABELS: Final[dict[ConsentKind, str]] = {
    ConsentKind.MEDICAL: "医疗健康信息",
    ConsentKind.BANK_FLOW: "金融账户与银行流水",
    ConsentKind.IDENTITY: "身份证件信息",
}
# Every text that was ever agreed to stays here; a new one is added below with its own version,
# and from then on everybody is asked again before the next file.
_TEXTS: Final[dict[str, str]] = {
    "2026-01": (
        "我单独同意宽息为审核本次罚息减免申请，处理我上传的{label}。"
        "材料私密保存，仅审核人员可看，每次查看都有记录，我可以随时查看这些记录；"
        "申请未通过或撤回后 90 天、结清后 180 天删除文件，只保留摘要与处理结果。"
        "不同意不影响我用其他材料申请，也不影响我还款。"
        "我可以随时在「设置」中撤回同意，撤回后文件将被删除。"
    ),
}
VERSION: Final = list(_TEXTS)[-1]
CONSENT_FOR: Final[dict[EvidenceKind, ConsentKind]] = {
    EvidenceKind.MEDICAL: ConsentKind.MEDICAL,
    EvidenceKind.BANK_FLOW: ConsentKind.BANK_FLOW,
    EvidenceKind.IDENTITY: ConsentKind.IDENTITY,
}


def consent_text(kind: ConsentKind, version: str = VERSION) -> str:
    """The sentence the borrower agrees to, or agreed to in an earlier `version`."""
    return _TEXTS[version].format(label=CONSENT_LABELS[kind])


def text_digest(kind: ConsentKind) -> str:
    """SHA-256 of the text as it stands, stored with the consent."""
    return hashlib.sha256(consent_text(kind).encode()).hexdigest()
