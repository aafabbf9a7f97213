"""The check of a file's content after upload: one result, whoever comes first."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.core.storage import private
from relief.cases.workflow import IN_TALKS, State
from relief.conversation import messages
from relief.evidence import kinds as rules
from relief.evidence import sandbox
from relief.evidence.kinds import EvidenceState, FileType, ReplaceReason
from relief.evidence.models import Evidence


def check_file(*, evidence_id: int, now: datetime) -> Evidence | None:
    """Decode one file in the limited child and keep its harmless copy, or say why it is refused.

    Safe to run twice: the first result stands. None when there was nothing to check.
    """
    evidence = Evidence.objects.checking().select_related("case").filter(pk=evidence_id).first()
    if evidence is None or not evidence.stored_key:
        return None
    kind = rules.CHECK_KINDS[FileType(evidence.content_type)]
    try:
        with private.open(evidence.stored_key) as source:
            result = sandbox.run_check(kind, source)
    except FileNotFoundError:
        result = sandbox.Checked(ok=False, code=ReplaceReason.UNREADABLE)
    if not result.ok:
        _keep_result(evidence, now, state=EvidenceState.REPLACE, reason=_reason(result.code))
        return evidence
    ending = ".pdf" if result.content_type == FileType.PDF else ".jpg"
    copy = private.save(result.copy, suffix=ending)
    is_stored = _keep_result(
        evidence,
        now,
        state=EvidenceState.PASSED,
        clean_key=copy.key,
        clean_type=result.content_type,
        pages=result.pages,
    )
    if not is_stored:
        private.delete(copy.key)
    return evidence


def _reason(code: str) -> ReplaceReason:
    try:
        return ReplaceReason(code)
    except ValueError:
        return ReplaceReason.UNREADABLE


def _keep_result(evidence: Evidence, now: datetime, **values: object) -> bool:
    """Write the result once; a refusal after submission is said in the conversation."""
    with transaction.atomic():
        updated = (
            Evidence.objects.checking()
            .filter(pk=evidence.pk)
            .order_by()
            .update(checked_at=now, **values)
        )
        if not updated:
            return False
        evidence.refresh_from_db()
        if evidence.state == EvidenceState.REPLACE and State(evidence.case.state) in IN_TALKS:
            messages.system_say(
                case=evidence.case,
                text=f"「{evidence.original_name}」需要更换：{evidence.problem}",
                key=f"evidence:{evidence.public_id}:replace",
                now=now,
            )
    return True


def check_pending(*, now: datetime, limit: int = 20) -> int:
    """Check the files whose task was lost; returns how many were taken up."""
    ids = list(Evidence.objects.checking().values_list("pk", flat=True)[:limit])
    return sum(check_file(evidence_id=pk, now=now) is not None for pk in ids)
