"""Drafts: what is typed in a form is kept for its writer until it is sent, or for DRAFT_DAYS.

Sealed, for it is what people say of their need; nobody else can be shown it. All times are real ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.http import QueryDict

from portal.core import clock
from portal.core.kernel.errors import InvalidInput
from portal.core.models import Draft, User
from portal.core.sealed import Unreadable, seal, unseal

DRAFT_DAYS = 30  # after the last key
MOST = 50  # of one person; the oldest goes
MOST_BYTES = 60_000  # of one draft, urlencoded: ten times the longest text that a form takes
TOO_LONG = "内容太长，草稿没有保存。请缩短后继续填写。"
# Fields that nobody types, or that are asked for again each time.
NOT_TYPED = frozenset(
    {"csrfmiddlewaretoken", "once", "after", "seen", "do", "go", "by", "use", "code", "current"}
)


@dataclass(frozen=True, slots=True)
class Typed:
    """A draft that was found: its fields, and when the last of them was typed."""

    path: str
    fields: QueryDict
    saved_at: datetime


def save(*, user: User, path: str, fields: QueryDict) -> datetime | None:
    """Keep what is typed so far; None when that is nothing, which also ends the draft.

    InvalidInput("draft") over MOST_BYTES.
    """
    typed = fields.copy()
    for name in [name for name in typed if name in NOT_TYPED or "password" in name]:
        del typed[name]
    if not any(value.strip() for _, values in typed.lists() for value in values):
        forget(user=user, path=path)
        return None
    text = typed.urlencode().encode()
    if len(text) > MOST_BYTES:
        raise InvalidInput("draft", TOO_LONG)
    real = clock.real_now()
    with transaction.atomic():
        sealed = seal(text, purpose=_purpose(user, path))
        Draft.objects.update_or_create(
            user=user, path=path, defaults={"sealed_fields": sealed, "saved_at": real}
        )
        newest = Draft.objects.filter(user=user).order_by("-saved_at", "-pk")[:MOST]
        Draft.objects.filter(user=user).exclude(pk__in=[row.pk for row in newest]).delete()
    return real


def find(*, user: User, path: str) -> Typed | None:
    """Their draft of the form that goes to `path`; None when there is none."""
    draft = Draft.objects.filter(user=user, path=path).first()
    return _read(draft, user) if draft else None


def under(*, user: User, path: str) -> dict[str, Typed]:
    """Their drafts of all forms whose addresses begin with `path`, by address."""
    rows = Draft.objects.filter(user=user, path__startswith=path)
    return {draft.path: typed for draft in rows if (typed := _read(draft, user))}


def all_of(user: User) -> list[Typed]:
    """All drafts of this person, the latest first."""
    rows = Draft.objects.filter(user=user).order_by("-saved_at", "-pk")
    return [typed for typed in (_read(draft, user) for draft in rows) if typed]


def _read(draft: Draft, user: User) -> Typed | None:
    try:
        text = unseal(bytes(draft.sealed_fields), purpose=_purpose(user, draft.path)).decode()
    except Unreadable:  # the key is gone: so is the draft
        return None
    return Typed(draft.path, QueryDict(text), draft.saved_at)


def _purpose(user: User, path: str) -> str:
    return f"draft:{user.pk}:{path}"


def forget(*, user: User, path: str) -> None:
    """The form was sent, or emptied."""
    Draft.objects.filter(user=user, path=path).delete()


def forget_all(user: User) -> int:
    """Everything that this person was writing goes; returns how many drafts."""
    return Draft.objects.filter(user=user).delete()[0]


def forget_old() -> int:
    """Delete what nobody went on with; returns how many."""
    return Draft.objects.filter(
        saved_at__lt=clock.real_now() - timedelta(days=DRAFT_DAYS)
    ).delete()[0]
