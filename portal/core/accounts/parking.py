"""Keeps a posted form while its sender proves who they are: once, theirs, for some minutes."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet

from portal.core import clock
from portal.core.models import ParkedForm, User
from portal.core.sealed import Unreadable, seal, unseal

KEEP = timedelta(minutes=10)  # while a fresh second factor is given
LONGEST = timedelta(minutes=30)  # over a new login (portal/site/kept_form.py)


def park(*, user: User, path: str, fields: str) -> str:
    """Keep a form (`fields` urlencoded) on its way to `path`; returns the word that takes it up."""
    return ParkedForm.objects.create(
        user=user,
        path=path,
        sealed_fields=seal(fields.encode(), purpose=f"parked:{user.pk}:{path}"),
        parked_at=clock.real_now(),
    ).public_id


def where_to(*, user: User, word: str, keep: timedelta = KEEP) -> str:
    """The path a form of theirs is waiting for; nothing when there is none."""
    waiting = _waiting(user, word, keep).first()
    return waiting.path if waiting else ""


def take_up(*, user: User, path: str, word: str, keep: timedelta = KEEP) -> str | None:
    """The fields again, urlencoded, and never twice; None when they are late, used or not theirs."""
    with transaction.atomic():
        parked = _waiting(user, word, keep).filter(path=path).first()
        if parked is None or not ParkedForm.objects.filter(pk=parked.pk).delete()[0]:
            return None
    try:
        return unseal(bytes(parked.sealed_fields), purpose=f"parked:{user.pk}:{path}").decode()
    except Unreadable:
        return None


def forget_old() -> int:
    """Delete what nobody took up; returns how many."""
    return ParkedForm.objects.filter(parked_at__lt=clock.real_now() - LONGEST).delete()[0]


def _waiting(user: User, word: str, keep: timedelta) -> QuerySet[ParkedForm]:
    return ParkedForm.objects.filter(
        user=user, public_id=word[:16], parked_at__gt=clock.real_now() - keep
    )
