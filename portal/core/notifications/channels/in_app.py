"""The channel that always works: a notice inside the app."""

from __future__ import annotations

from collections.abc import Sequence

from portal.core.models import Notice


def write_notices(made: Sequence[Notice]) -> dict[str, Notice]:
    """Store what was made; by key what is stored now: for a key that was known, the first one.

    One INSERT … ON CONFLICT DO NOTHING and one look, however many.
    """
    Notice.objects.bulk_create(made, ignore_conflicts=True)
    stored = Notice.objects.filter(key__in=[notice.key for notice in made])
    return {notice.key: notice for notice in stored.only("key", "public_id")}
