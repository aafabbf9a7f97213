"""A copy of one's own data: asked for, made by a worker as a ZIP, taken away within a day, removed.

The row is the truth and the broker only hurries: whoever claims a copy has it for LEASE, longer than
a task may run; a worker that dies leaves it to the next, which begins anew. All times here are real,
for a demo's clock neither ends nor saves a link; `now` is the business time of notices.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import BinaryIO
from zipfile import ZipFile

from django.db import IntegrityError, transaction
from django.db.models import F

from portal.core.accounts import trail
from portal.core.accounts.throttles import try_again_words
from portal.core.errors import RuleViolation
from portal.core.kernel.devices import Origin, mask_address
from portal.core.kernel.security import SecurityKind
from portal.core.models import User
from portal.core.notifications.outbox import notify
from portal.core.nudge import nudge
from portal.core.storage import Stored, private
from relief.rights.models import DataExport, DataExportQuerySet, ExportState

logger = logging.getLogger(__name__)
LINK_LIVES = timedelta(hours=24)
EXPORTS_A_DAY = 3
DAY = timedelta(days=1)
LEASE = timedelta(minutes=3)  # a task is killed after two
MAX_ATTEMPTS = 5
BATCH = 5
PAGE = "/me/settings/export/"  # where the notices lead

Part = Callable[[ZipFile], None]  # writes some entries
PartsOfCopy = Callable[[User, datetime], Sequence[Part]]  # of whom, in business time


def ask_for_export(*, user: User, origin: Origin, now: datetime, real: datetime) -> DataExport:
    """Begin a copy of everything; one that is being made already is the answer to a second click.

    At most EXPORTS_A_DAY in 24 hours (RuleViolation with the moment to try again); one that failed
    does not count.
    """
    running = DataExport.objects.for_user(user).running().first()
    if running is not None:
        return running
    recent = DataExport.objects.for_user(user).filter(asked_at__gt=real - DAY)
    asked = list(recent.exclude(state=ExportState.FAILED).values_list("asked_at", flat=True))
    if len(asked) >= EXPORTS_A_DAY:
        words = try_again_words(sorted(asked)[-EXPORTS_A_DAY] + DAY, now=real)
        raise RuleViolation(f"24 小时内最多生成 {EXPORTS_A_DAY} 次，{words}。", code="export-limit")
    try:
        with transaction.atomic():
            export = DataExport.objects.create(user=user, asked_at=real)
            trail.record(SecurityKind.EXPORT_ASKED, user=user, origin=origin)
            nudge("relief.tasks.make_export", export.pk)
            return export
    except IntegrityError:  # two tabs at once: the other one began it
        return DataExport.objects.for_user(user).latest("pk")


def make_export(*, export_id: int, parts: PartsOfCopy, now: datetime, real: datetime) -> bool:
    """Make one copy that nobody makes at present; whether it is ready now.

    Whatever goes wrong on the way (a full disk, a store that is down) leaves the claim, and the sweep
    tries again when it ends; after MAX_ATTEMPTS it is given up, and told.
    """
    export = _claim(export_id, now=now, real=real)
    if export is None:
        return False
    with tempfile.TemporaryFile() as file:
        with ZipFile(file, "w") as archive:
            _write(export, archive, parts(export.user, now))
        file.seek(0)
        stored = private.save(file, suffix=".zip")
    is_kept = _keep(export, stored, now=now, real=real)
    if not is_kept:
        private.delete(stored.key)
    return is_kept


def make_pending(*, parts: PartsOfCopy, now: datetime, real: datetime) -> int:
    """Take up the copies whose task was lost or whose worker died; returns how many got ready."""
    ids = list(DataExport.objects.to_take_up(real).values_list("pk", flat=True)[:BATCH])
    return sum(make_export(export_id=pk, parts=parts, now=now, real=real) for pk in ids)


def _claim(export_id: int, *, now: datetime, real: datetime) -> DataExport | None:
    """The copy, if it is this worker's from now on."""
    claimed = (
        DataExport.objects.to_take_up(real)
        .filter(pk=export_id)
        .order_by()
        .update(
            state=ExportState.MAKING,
            attempt=F("attempt") + 1,
            lease_until=real + LEASE,
            parts_done=0,
            parts_total=0,
        )
    )
    if not claimed:
        return None
    export = DataExport.objects.select_related("user").get(pk=export_id)
    if export.attempt > MAX_ATTEMPTS:
        _give_up(export, now=now)
        return None
    return export


def _held(export: DataExport) -> DataExportQuerySet:
    """The row as long as this attempt is the one that counts."""
    rows = DataExport.objects.filter(state=ExportState.MAKING, attempt=export.attempt)
    return rows.filter(pk=export.pk).order_by()


def _write(export: DataExport, archive: ZipFile, parts: Sequence[Part]) -> None:
    """All parts, one after the other; after each the row says how far it is."""
    _held(export).update(parts_total=len(parts))
    for done, part in enumerate(parts, start=1):
        part(archive)
        _held(export).update(parts_done=done)


def _keep(export: DataExport, stored: Stored, *, now: datetime, real: datetime) -> bool:
    """The copy is there from now on, and told; False when another attempt has taken over."""
    expires_at = real + LINK_LIVES
    with transaction.atomic():
        is_kept = _held(export).update(
            state=ExportState.READY,
            stored_key=stored.key,
            size=stored.size,
            sha256=stored.sha256,
            lease_until=None,
            ready_at=real,
            expires_at=expires_at,
        )
        if is_kept:
            _tell("export_ready", export, now=now, until=expires_at)
    logger.info("export.made", extra={"export": export.pk, "size": stored.size})
    return bool(is_kept)


def _give_up(export: DataExport, *, now: datetime) -> None:
    with transaction.atomic():
        if _held(export).update(state=ExportState.FAILED, lease_until=None):
            _tell("export_failed", export, now=now)
    logger.error("export.failed", extra={"export": export.pk})


def download(*, export: DataExport, origin: Origin, now: datetime, real: datetime) -> BinaryIO:
    """The bytes, while the day lasts; each download is a line of the trail and told to its owner.

    The caller has asked for the password. RuleViolation once there is nothing to take away.
    """
    if export.is_running:
        raise RuleViolation("还在生成，请稍后再下载。", code="export-running")
    if not export.can_be_taken(real):
        raise RuleViolation("下载链接已过期，文件已删除。需要时请重新生成。", code="export-over")
    try:
        stream = private.open(export.stored_key)
    except FileNotFoundError as gone:
        logger.error("export.file_missing", extra={"export": export.pk})
        raise RuleViolation("文件不在了，请重新生成。", code="export-over") from gone
    with transaction.atomic():
        DataExport.objects.filter(pk=export.pk).update(downloads=F("downloads") + 1)
        export.refresh_from_db(fields=["downloads"])
        trail.record(SecurityKind.EXPORT_DOWNLOADED, user=export.user, origin=origin)
        _tell(
            "export_downloaded",
            export,
            now=now,
            times=export.downloads,
            device=origin.device,
            address=mask_address(origin.address),
        )
    return stream


def end_overdue(*, real: datetime) -> int:
    """Remove the bytes of every copy whose day is over; the row stays. Returns how many."""
    ended = 0
    for export in DataExport.objects.overdue(real)[: BATCH * 20]:
        with transaction.atomic():
            rows = DataExport.objects.overdue(real).filter(pk=export.pk).order_by()
            if rows.update(state=ExportState.ENDED, stored_key=""):
                transaction.on_commit(partial(private.delete, export.stored_key))
                ended += 1
    return ended


def _tell(
    event: str, export: DataExport, *, now: datetime, times: int = 0, **context: object
) -> None:
    """Mandatory: a copy of everything somebody has here is worth a message."""
    notify(
        event=event,
        key=f"export:{export.public_id}:{event}:{times}",
        user=export.user,
        channels={"sms"},
        context={"at": now, "times": times, **context},
        link=PAGE,
        category="system",
        mandatory=True,
        now=now,
    )
