"""The channel that always works: a notice inside the app."""

from __future__ import annotations

from datetime import datetime

from portal.models import Notice, User


def write_notice(
    *,
    key: str,
    user: User,
    event: str,
    category: str,
    text: str,
    link: str,
    code: str,
    now: datetime,
) -> tuple[Notice, bool]:
    """The notice of this key and whether it is new; the first line of `text` is its title."""
    title, _, body = text.strip().partition("\n")
    made = Notice(
        key=key,
        user=user,
        event=event,
        category=category,
        title=title.strip()[:120],
        body=body.strip(),
        link=link,
        code=code,
        created_at=now,
    )
    # one INSERT … ON CONFLICT DO NOTHING and one look; get_or_create takes four statements
    Notice.objects.bulk_create([made], ignore_conflicts=True)
    stored = Notice.objects.get(key=key)
    return stored, stored.public_id == made.public_id
