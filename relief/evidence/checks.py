"""The check of a file's content after upload: one result, whoever comes first."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO

from django.db import transaction
from django.db.models import Min

from portal.core.storage import private
from portal.core.storage.envelope import Damaged
from relief.cases.workflow import IN_TALKS, State
from relief.conversation import messages
from relief.evidence import antivirus, sandbox
from relief.evidence import kinds as rules
from relief.evidence.kinds import EvidenceState, FileType, ReplaceReason
from relief.evidence.models import TEXT_VERSION, Evidence, EvidencePage

logger = logging.getLogger(__name__)
CHECKS_A_MINUTE = (
    20  # of one person: a case full of files at once; the others wait, nobody else does
)
MINUTE = timedelta(minutes=1)
VIRUS_REASONS = {
    antivirus.Verdict.CLEAN: None,
    antivirus.Verdict.INFECTED: ReplaceReason.INFECTED,
    antivirus.Verdict.TOO_LARGE: ReplaceReason.TOO_HEAVY,
}


def check_file(*, evidence_id: int, now: datetime) -> Evidence | None:
    """Decode one file in the limited child and keep its harmless copy and pages, or say why not.

    Safe to run twice: the first result stands. None when there was nothing to check, or when it has to
    wait: for this person's share of the next minute, for the virus scanner's verdict, for the place of
    the files, for room on the disk. The sweep takes it up again.
    """
    waiting = Evidence.objects.to_check().select_related("case")
    evidence = waiting.filter(pk=evidence_id).first()
    if evidence is None or not evidence.stored_key or _has_had_their_share(evidence, now):
        return None
    kind = rules.CHECK_KINDS[FileType(evidence.content_type)]
    try:
        with private.open(evidence.stored_key) as source:
            refusal = _virus_refusal(source)
            if refusal:
                _refuse(evidence, refusal, now)
                return evidence
            source.seek(0)
            with sandbox.check(kind, source) as result:
                _keep(evidence, result, now)
    except (FileNotFoundError, Damaged):
        _refuse(evidence, ReplaceReason.UNREADABLE, now)
    except OSError as missing:
        why = type(missing).__name__
        logger.warning("evidence.check_waits", extra={"evidence": evidence.pk, "why": why})
        return None
    return evidence


def _has_had_their_share(evidence: Evidence, now: datetime) -> bool:
    """Whether as many files of this person were checked in the last minute as anybody gets."""
    lately = Evidence.objects.filter(
        case__borrower=evidence.case.borrower_id, checked_at__gt=now - MINUTE
    )
    return lately.count() >= CHECKS_A_MINUTE


def _virus_refusal(source: BinaryIO) -> ReplaceReason | None:
    """Why the virus scanner, where there is one, does not let the file through; ScannerDown if it is silent."""
    if not antivirus.is_on():
        return None
    return VIRUS_REASONS[antivirus.scan(source)]


def _keep(evidence: Evidence, result: sandbox.Checked, now: datetime) -> None:
    """Store what the child made, then write the result; what no row names in the end is deleted."""
    if not result.ok:
        _refuse(evidence, _reason(result.code), now)
        return
    with ExitStack() as unless_kept:

        def store(path: Path, suffix: str) -> str:
            with path.open("rb") as made:
                key = private.save(made, suffix=suffix).key
            unless_kept.callback(partial(private.delete, key))
            return key

        pages = [
            EvidencePage(
                evidence=evidence,
                number=number,
                key=store(result.page(number), ".jpg"),
                width=width,
                height=height,
            )
            for number, (width, height) in enumerate(result.page_sizes, 1)
        ]
        is_pdf = result.content_type == FileType.PDF
        # What an older check drew is drawn anew; what staff said of it stays.
        former_keys = set(evidence.stored_keys()) - {evidence.stored_key}
        passed = {} if evidence.clean_key else {"state": EvidenceState.PASSED}
        is_kept = _keep_result(
            evidence,
            now,
            pages,
            **passed,
            clean_key=store(result.copy, ".pdf") if is_pdf else pages[0].key,
            clean_type=result.content_type,
            text_key=store(result.text, ".json") if result.text.exists() else "",
            text_version=TEXT_VERSION,
            pages=len(pages),
            dropped=list(result.dropped),
            signatures=list(result.signatures),
        )
        if is_kept:
            unless_kept.pop_all()
            for key in former_keys:
                private.delete(key)


def _refuse(evidence: Evidence, reason: ReplaceReason, now: datetime) -> None:
    """The file must be replaced; one whose pages staff see already stays so, unless it is infected."""
    if evidence.drawn_pages.exists() and reason != ReplaceReason.INFECTED:
        logger.warning("evidence.not_drawn_anew", extra={"evidence": evidence.pk, "why": reason})
        _keep_result(evidence, now, text_version=TEXT_VERSION)
    else:
        _keep_result(evidence, now, state=EvidenceState.REPLACE, reason=reason)


def _reason(code: str) -> ReplaceReason:
    try:
        return ReplaceReason(code)
    except ValueError:
        return ReplaceReason.UNREADABLE


def _keep_result(
    evidence: Evidence, now: datetime, drawn: list[EvidencePage] | None = None, **values: object
) -> bool:
    """Write the result once; a refusal after submission is said in the conversation."""
    with transaction.atomic():
        updated = (
            Evidence.objects.to_check()
            .filter(pk=evidence.pk)
            .order_by()
            .update(checked_at=now, **values)
        )
        if not updated:
            return False
        if drawn:
            evidence.drawn_pages.all().delete()
            EvidencePage.objects.bulk_create(drawn)
        evidence.refresh_from_db()
        is_refused = values.get("state") == EvidenceState.REPLACE
        if is_refused and State(evidence.case.state) in IN_TALKS:
            messages.system_say(
                case=evidence.case,
                text=f"「{evidence.original_name}」需要更换：{evidence.problem}",
                key=f"evidence:{evidence.public_id}:replace",
                now=now,
            )
    return True


def oldest_wait_seconds(now: datetime) -> int:
    """Whole seconds that the file longest in the queue has waited for its check; 0 if none waits."""
    oldest = Evidence.objects.checking().aggregate(at=Min("created_at"))["at"]
    return 0 if oldest is None else max(0, int((now - oldest).total_seconds()))


def check_pending(*, now: datetime, limit: int = 5) -> int:
    """Check the files whose task was lost or had to wait; returns how many were taken up.

    New ones first ("checking" is the first state by letter): what is drawn anew can be seen meanwhile.
    """
    waiting = Evidence.objects.to_check().order_by("state", "pk")
    ids = list(waiting.values_list("pk", flat=True)[:limit])
    return sum(check_file(evidence_id=pk, now=now) is not None for pk in ids)
