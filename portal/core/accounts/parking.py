"""Keeps a posted form while its sender gives a fresh second factor: once, theirs, for ten minutes."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet

from portal.core import clock
from portal.core.models import ParkedForm, User
from portal.core.sealed import Unreadable, seal, unseal

KEEP = timedelta(minutes=10)


def park(*, user: User, path: str, fields: str) -> str:
    """Keep a form (`fields` urlencoded) on its way to `path`; returns the word that takes it up."""
    return ParkedForm.objects.create(
        user=user,
        path=path,
        sealed_fields=seal(fields.encode(), purpose=f"parked:{user.pk}:{path}"),
        parked_at=clock.real_now(),
    ).public_id


def where_to(*, user: User, word: str) -> str:
    """The path a form of theirs is waiting for; nothing when there is none."""
    waiting = _waiting(user, word).first()
    return waiting.path if waiting else ""


def take_up(*, user: User, path: str, word: str) -> str | None:
    """The fields again, urlencoded, and never twice; None when they are late, used or not theirs."""
    with transaction.atomic():
        parked = _waiting(user, word).filter(path=path).first()
        if parked is None or not ParkedForm.objects.filter(pk=parked.pk).delete()[0]:
            return None
    try:
        return unseal(bytes(parked.sealed_fields), purpose=f"parked:{user.pk}:{path}").decode()
    except Unreadable:
        return None


def forget_old() -> int:
    """Delete what nobody took up; returns how many."""
    return ParkedForm.objects.filter(parked_at__lt=clock.real_now() - KEEP).delete()[0]


def _waiting(user: User, word: str) -> QuerySet[ParkedForm]:
    return ParkedForm.objects.filter(
        user=user, public_id=word[:16], parked_at__gt=clock.real_now() - KEEP
    )
