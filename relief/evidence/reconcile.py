"""Compares the private files with the rows that name them: both differences should be empty."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from portal.core.models import Document
from portal.core.storage import PART, private
from relief.evidence.models import Evidence, EvidencePage
from relief.rights.models import DataExport

logger = logging.getLogger(__name__)


def named_keys() -> set[str]:
    """Every key that some row names."""
    evidence = Evidence.objects.with_bytes().values_list("stored_key", "clean_key", "text_key")
    pages = EvidencePage.objects.values_list("key", flat=True)
    documents = Document.objects.exclude(stored_key="").values_list("stored_key", flat=True)
    copies = DataExport.objects.exclude(stored_key="").values_list("stored_key", flat=True)
    return {key for keys in evidence for key in keys if key} | {*pages, *documents, *copies}


def missing_files() -> list[str]:
    """Keys that a row names and no file has (a restored backup, a lost disk)."""
    return sorted(named_keys() - set(private.keys()))


def orphan_files(*, before: datetime) -> list[str]:
    """Files older than `before` (real time) that no row names, unfinished ones included.

    A crash between writing the file and committing the row leaves one; younger files may belong
    to a transaction that is still open.
    """
    root = Path(settings.PRIVATE_ROOT)
    referenced = named_keys()
    orphans = []
    for path in sorted(root.glob("??/*")):
        key = path.relative_to(root).as_posix()
        if (key not in referenced or key.endswith(PART)) and _written(path) < before:
            orphans.append(key)
    return orphans


def remove_orphans(*, before: datetime) -> int:
    """Delete what `orphan_files` finds; returns how many."""
    orphans = orphan_files(before=before)
    for key in orphans:
        Path(settings.PRIVATE_ROOT, key).unlink(missing_ok=True)
    if orphans:
        logger.info("files.orphans_removed", extra={"count": len(orphans)})
    return len(orphans)


def _written(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(os.stat(path).st_mtime, UTC)
    except FileNotFoundError:  # deleted meanwhile: not ours to remove
        return datetime.max.replace(tzinfo=UTC)
