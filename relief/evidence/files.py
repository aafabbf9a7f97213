"""Take, remove, check, judge and show the files of a case; bytes are private at every step."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from django.db import IntegrityError, transaction

from portal.core.errors import RuleViolation, StaleWrite
from portal.core.kernel.businesstime import business_date
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Role
from portal.core.models import User
from portal.core.nudge import nudge
from portal.core.storage import Stored, private
from relief.cases.gate import Actor, check
from relief.cases.models import Case
from relief.cases.moves import Occasion, locked, record
from relief.cases.notices import AuditEvent
from relief.cases.permissions import Task
from relief.cases.workflow import IN_TALKS, Action, State
from relief.conversation import messages
from relief.evidence import consents
from relief.evidence import kinds as rules
from relief.evidence.kinds import EvidenceState, FileType, ReplaceReason
from relief.evidence.models import Evidence

logger = logging.getLogger(__name__)
NO_FILE = "未收到文件，请重新选择"
SAME_FILE = "已上传过相同文件"
NOT_SAVED = "文件没有保存成功，请稍后再试；已填写的内容不受影响"


@dataclass(frozen=True)
class Upload:
    """What came in: the name as typed by somebody, and the bytes."""

    name: str
    content: BinaryIO


def add_evidence(
    *,
    case: Case,
    kind: str,
    upload: Upload | None,
    actor: User,
    now: datetime,
    consent: bool = False,
    replaces: Evidence | None = None,
    ip: str | None = None,
) -> Evidence:
    """Take one file: cheap checks at once, the real check in a task; one call, one file.

    Raises InvalidInput with field "file", "kind" or "consent" (10 MB a file, 20 a case, 200 MB a
    borrower; judged by content), RuleViolation when the case takes no files or has this one.
    `replaces` is the refused file that this one stands in for: only that one is put aside.
    """
    evidence_kind = rules.parse_kind(kind)
    if upload is None:
        raise InvalidInput("file", NO_FILE)
    data, file_type = _read(upload)
    _check_room(case, data, replaces, actor, now)
    consents.check_consent(kind=evidence_kind, agreed=consent, actor=actor)
    stored = _stored(data, case)
    try:
        with transaction.atomic():
            fresh = locked(case)
            _check_room(fresh, data, replaces, actor, now)
            consents.keep_consent(kind=evidence_kind, agreed=consent, actor=actor, now=now, ip=ip)
            if replaces is not None:
                Evidence.objects.current().filter(pk=replaces.pk).update(withdrawn_at=now)
            evidence = _row(
                fresh, evidence_kind, upload.name, file_type, stored, replaces, actor, now
            )
            _notify_added(evidence, actor, now)
    except IntegrityError as twice:  # two tabs at once: the unique key decides
        private.delete(stored.key)
        raise RuleViolation(SAME_FILE, code="duplicate", field="file") from twice
    except BaseException:
        private.delete(stored.key)
        raise
    nudge("relief.tasks.check_evidence", evidence.pk)
    return evidence


def _read(upload: Upload) -> tuple[bytes, FileType]:
    """The bytes and their type; more than 10 MB are counted, not kept."""
    data = upload.content.read(rules.MAX_FILE_BYTES + 1)
    size = len(data)
    while size > rules.MAX_FILE_BYTES and (piece := upload.content.read(256 * 1024)):
        size += len(piece)
    head = data[: rules.HEAD_BYTES]
    return data, rules.check_upload(size=size, head=head, case_files=0, user_bytes=0)


def _row(
    case: Case,
    kind: rules.EvidenceKind,
    name: str,
    file_type: FileType,
    stored: Stored,
    replaces: Evidence | None,
    actor: User,
    now: datetime,
) -> Evidence:
    return Evidence.objects.create(
        case=case,
        uploaded_by=actor,
        kind=kind,
        round=case.events.filter(action=Action.ASK_PROOF.value).count(),
        original_name=rules.clean_name(name),
        content_type=file_type.value,
        size=stored.size,
        sha256=stored.sha256,
        stored_key=stored.key,
        state=EvidenceState.CHECKING,
        replaces=replaces,
        created_at=now,
    )


def _stored(data: bytes, case: Case) -> Stored:
    """The bytes in the private store; a full disk is said plainly and leaves nothing behind."""
    try:
        return private.save(data)
    except OSError as full:
        logger.error("evidence.not_stored", extra={"case": case.public_id, "errno": full.errno})
        raise RuleViolation(NOT_SAVED, code="storage", field="file") from full


def _check_room(
    case: Case, data: bytes, replaces: Evidence | None, actor: User, now: datetime
) -> None:
    """Whether the case takes files now, has room for this one and does not have it already."""
    check(Task.ADD_FILE, case, Actor(actor, Role.BORROWER), now, field="file")
    if replaces is not None and replaces.case_id != case.pk:
        raise RuleViolation("要更换的文件不属于这份申请，请刷新页面。", code="case", field="file")
    current = Evidence.objects.current().filter(case=case)
    kept = Evidence.objects.current().exclude(pk=replaces.pk if replaces is not None else 0)
    rules.check_upload(
        size=len(data),
        head=data[: rules.HEAD_BYTES],
        case_files=kept.filter(case=case).count(),
        user_bytes=kept.with_bytes().filter(case__borrower=case.borrower_id).total_size(),
    )
    if current.filter(sha256=hashlib.sha256(data).hexdigest()).exists():
        raise RuleViolation(SAME_FILE, code="duplicate", field="file")


def _notify_added(evidence: Evidence, actor: User, now: datetime) -> None:
    """The audit line, and a card in the conversation once the case is with staff."""
    record(
        evidence.case,
        AuditEvent.EVIDENCE_ADDED,
        Occasion(
            Actor(actor, Role.BORROWER),
            now,
            note_public=f"{evidence.get_kind_display()}（{evidence.size_label}）",
            data={"evidence": evidence.public_id, "sha256": evidence.sha256},
        ),
    )
    if State(evidence.case.state) in IN_TALKS:
        messages.post_card(case=evidence.case, card="file", evidence=evidence, actor=actor, now=now)


def remove_evidence(*, evidence: Evidence, actor: User, now: datetime) -> Evidence:
    """Take a file back: marked, not deleted; of a draft the bytes go with the next sweep.

    A second click is once. RuleViolation when the case has ended (retention decides then).
    """
    with transaction.atomic():
        case = locked(evidence.case)
        check(Task.REMOVE_FILE, case, Actor(actor, Role.BORROWER), now)
        purge_on = business_date(now) if case.state == State.DRAFT else None
        removed = (
            Evidence.objects.current()
            .filter(pk=evidence.pk)
            .update(withdrawn_at=now, purge_on=purge_on)
        )
        if removed:
            record(
                case,
                AuditEvent.EVIDENCE_REMOVED,
                Occasion(
                    Actor(actor, Role.BORROWER),
                    now,
                    note_public=evidence.get_kind_display(),
                    data={"evidence": evidence.public_id},
                ),
            )
    evidence.refresh_from_db()
    return evidence


def judge_evidence(
    *,
    evidence: Evidence,
    passed: bool,
    actor: User,
    now: datetime,
    reason: str = "",
    text: str = "",
) -> Evidence:
    """Staff say of one file that it is good, or that it must be replaced and why.

    Only this file changes; a file that failed the check cannot be passed by hand. Raises
    InvalidInput("reason", …), RuleViolation, or StaleWrite when the file changed meanwhile.
    """
    check(Task.JUDGE_FILE, evidence.case, Actor(actor, Role.STAFF), now)
    _check_judgement(evidence, reason, text, passed=passed)
    state = EvidenceState.PASSED if passed else EvidenceState.REPLACE
    with transaction.atomic():
        updated = (
            Evidence.objects.current()
            .filter(pk=evidence.pk, state=evidence.state)
            .update(
                state=state,
                reason="" if passed else reason,
                reason_text="" if passed else text.strip()[:200],
                judged_by=actor,
                judged_at=now,
            )
        )
        if not updated:
            raise StaleWrite("这份材料刚刚有变化，请刷新页面后再评定。", code="stale")
        evidence.refresh_from_db()
        record(
            evidence.case,
            AuditEvent.EVIDENCE_JUDGED,
            Occasion(
                Actor(actor, Role.STAFF),
                now,
                note_public=f"{evidence.get_kind_display()}：{evidence.problem or '已通过'}",
                data={
                    "evidence": evidence.public_id,
                    "state": state.value,
                    "reason": evidence.reason,
                },
            ),
        )
    return evidence


def _check_judgement(evidence: Evidence, reason: str, text: str, *, passed: bool) -> None:
    """Whether this file can be judged now, and in this way."""
    if evidence.withdrawn_at is not None:
        raise RuleViolation("借款人已移除或更换这份材料，请刷新页面。", code="withdrawn")
    if not evidence.is_open:
        raise RuleViolation("这份材料还没有通过文件检查，不能评定。", code="checking")
    if not passed and reason not in rules.STAFF_REASONS:
        raise InvalidInput("reason", "请选择需要更换的原因：模糊、缺页、过期、无关或其他")
    if not passed and reason == ReplaceReason.OTHER and not text.strip():
        raise InvalidInput("text", "选择其他原因时，请写明哪里需要更换")
