"""Private files and the rows that name them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from portal.core.storage import private
from portal.core.storage.envelope import CHUNK
from relief.evidence import reconcile
from relief.evidence.models import Evidence
from relief.invariants.violation import Violation

YOUNG = timedelta(
    days=1
)  # the sweep of orphans leaves younger files alone; so do we, twice as long


def files_and_rows(now: datetime, real_now: datetime) -> Iterator[Violation]:
    """Every file that a row names is there, opens and is what was uploaded; no file is without a row."""
    missing = reconcile.missing_files()
    for key in missing:
        yield Violation("I17", f"file {key}", "a row names it, but it is gone")
    for kept in reconcile.orphan_files(before=real_now - 2 * YOUNG):
        yield Violation("I17", f"file {kept.name}", "no row names it")
    rows = Evidence.objects.with_bytes().exclude(stored_key="").order_by("pk")
    uploaded = {
        key: (id, digest)
        for id, key, digest in rows.values_list("public_id", "stored_key", "sha256")
    }
    for key in sorted(reconcile.named_keys() - set(missing)):
        try:
            digest = _digest(key)
        except OSError as wrong:
            yield Violation("I17", f"file {key}", f"it does not open ({type(wrong).__name__})")
            continue
        if key in uploaded and uploaded[key][1] != digest:
            yield Violation(
                "I17", f"evidence {uploaded[key][0]}", "the file is not what was uploaded"
            )


def _digest(key: str) -> str:
    digest = hashlib.sha256()
    with private.open(key) as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()
