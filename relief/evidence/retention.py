"""Files go when their date has come: the bytes are deleted, digest, kind and decision stay."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime
from functools import partial

from django.db import transaction
from django.db.models import Q, QuerySet

from portal.core.kernel.businesstime import business_date
from portal.core.storage import private
from relief.cases.gate import SYSTEM
from relief.cases.models import Case
from relief.cases.moves import Occasion, record
from relief.cases.notices import AuditEvent
from relief.cases.workflow import CLOSED, State
from relief.evidence import kinds as rules
from relief.evidence.models import Evidence

logger = logging.getLogger(__name__)
AFTER_SETTLEMENT = frozenset({State.COMPLETED, State.SETTLED, State.BREACHED})
BATCH = 200


def planned_purge_on(evidence: Evidence) -> date | None:
    """The date on a file: stored, or by the end of its case; None while the case is open.

    Rejected on 2026-11-26 → 2027-02-24; settled on 2027-11-26 → 2028-05-24.
    """
    if evidence.purge_on is not None:
        return evidence.purge_on
    return _date_by_case(evidence.case)


def _date_by_case(case: Case) -> date | None:
    if State(case.state) not in CLOSED or case.closed_at is None:
        return None
    return rules.purge_date(
        ended_on=business_date(case.closed_at), settled=State(case.state) in AFTER_SETTLEMENT
    )


def set_purge_dates(*, now: datetime) -> int:
    """Write the date on the files of every case that has ended, and take it off reopened ones."""
    changed = 0
    ended_cases = Case.objects.filter(
        state__in=[state.value for state in CLOSED],
        closed_at__lte=now,
        evidence__purge_on=None,
        evidence__bytes_purged_at=None,
    )
    for case in ended_cases.distinct().order_by("pk")[:BATCH]:
        files = Evidence.objects.with_bytes().filter(case=case, purge_on=None)
        changed += files.update(purge_on=_date_by_case(case))
    reopened = ~Q(case__state__in=[state.value for state in CLOSED])
    return changed + _dated().filter(reopened).update(purge_on=None)


def take_off_dates(*, case: Case) -> None:
    """A case goes on that had ended: its files have no date any more, from this moment."""
    _dated().filter(case=case).update(purge_on=None)


def _dated() -> QuerySet[Evidence]:
    """Files with a date that came from the end of their case, not from the borrower's wish."""
    return Evidence.objects.with_bytes().filter(withdrawn_at=None, purge_on__isnull=False)


def purge_expired_evidence(*, now: datetime, limit: int = BATCH) -> int:
    """Delete the bytes of the files whose date has come; returns how many files that were.

    The row is marked first and the bytes deleted after the commit: a crash in between leaves bytes
    that no row names, which the reconciling of storage removes; never a row that lies.
    """
    set_purge_dates(now=now)
    today = business_date(now)
    waiting = Evidence.objects.to_purge(today).select_related("case", "case__loan")[:limit]
    return sum(_purge(evidence, now=now) for evidence in waiting)


def purge_at_once(files: QuerySet[Evidence], *, now: datetime) -> int:
    """Delete the bytes of these files, which somebody asked for who may; returns how many there were."""
    here = files.filter(bytes_purged_at=None)
    here.filter(withdrawn_at=None).update(withdrawn_at=now)
    here.update(purge_on=business_date(now))
    waiting = list(here.select_related("case", "case__loan").order_by("pk"))
    note = "已应本人要求删除"
    return sum(_purge(evidence, now=now, note=note) for evidence in waiting)


def _delete_bytes(keys: Sequence[str]) -> None:
    for key in keys:
        private.delete(key)


def _purge(evidence: Evidence, *, now: datetime, note: str = "已删除") -> bool:
    keys = evidence.stored_keys()
    with transaction.atomic():
        updated = (
            Evidence.objects.to_purge(business_date(now))
            .filter(pk=evidence.pk)
            .order_by()
            .update(bytes_purged_at=now, stored_key="", clean_key="", text_key="")
        )
        if not updated:
            return False
        evidence.drawn_pages.all().delete()
        record(
            evidence.case,
            AuditEvent.EVIDENCE_PURGED,
            Occasion(
                SYSTEM,
                now,
                note_public=f"{evidence.get_kind_display()}{note}，只保留摘要与处理结果",
                data={"evidence": evidence.public_id, "sha256": evidence.sha256},
            ),
        )
        transaction.on_commit(partial(_delete_bytes, keys))
    logger.info("evidence.purged", extra={"evidence": evidence.pk})
    return True
