"""The channel that always works: a notice inside the app."""

from __future__ import annotations

from collections.abc import Sequence

from portal.core.models import Notice


def write_notices(notices: Sequence[Notice]) -> dict[str, Notice]:
    """Store new notices; returns the stored notice of each key, which is the first one of that key.

    One INSERT … ON CONFLICT DO NOTHING and one look, however many.
    """
    Notice.objects.bulk_create(notices, ignore_conflicts=True)
    stored = Notice.objects.filter(key__in=[notice.key for notice in notices])
    return {notice.key: notice for notice in stored.only("key", "public_id")}
