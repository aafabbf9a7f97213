"""Compares the private files with the rows that name them: both differences should be empty."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from portal.core.models import Document
from portal.core.storage import private
from portal.core.storage.store import StoredName
from relief.evidence.models import Evidence, EvidencePage
from relief.rights.models import DataExport

logger = logging.getLogger(__name__)


def _namings() -> list[tuple[QuerySet[Any], str]]:
    """All that may name a file: the rows, and their column."""
    return [
        (Evidence.objects.with_bytes(), "stored_key"),
        (Evidence.objects.with_bytes(), "clean_key"),
        (Evidence.objects.with_bytes(), "text_key"),
        (EvidencePage.objects.all(), "key"),
        (Document.objects.all(), "stored_key"),
        (DataExport.objects.all(), "stored_key"),
    ]


def named_keys() -> set[str]:
    """Every key that some row names."""
    return {
        key
        for rows, column in _namings()
        for key in rows.exclude(**{column: ""}).values_list(column, flat=True)
    }


def named_among(keys: Collection[str]) -> set[str]:
    """Those of a few keys that some row names at this moment."""
    return {
        key
        for rows, column in _namings()
        for key in rows.filter(**{f"{column}__in": keys}).values_list(column, flat=True)
    }


def missing_files() -> list[str]:
    """Keys that a row names and no file has (a restored backup, a lost disk)."""
    return sorted(named_keys() - set(private.keys()))


def orphan_files(*, before: datetime) -> list[StoredName]:
    """Files older than `before` (real time) that no row names, unfinished ones included.

    A crash between writing the file and committing the row leaves one; younger files may belong
    to a transaction that is still open.
    """
    referenced = named_keys()
    return [
        kept
        for kept in private.listed()
        if kept.name not in referenced and kept.written_at < before
    ]


def remove_orphans(*, before: datetime) -> int:
    """Delete what `orphan_files` finds; returns how many."""
    orphans = orphan_files(before=before)
    for kept in orphans:
        private.discard(kept)
    if orphans:
        logger.info("files.orphans_removed", extra={"count": len(orphans)})
    return len(orphans)
