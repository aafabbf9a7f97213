"""Sessions: their beginning, how long they last unused and in all, and their end; works on any engine
that keeps sessions at the server.

All times are real ones (reliability rule: a demo's clock ends nobody's session).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse

from portal.core import clock
from portal.core.accounts import trail
from portal.core.kernel.businesstime import in_shanghai
from portal.core.kernel.devices import Origin
from portal.core.kernel.roles import Role
from portal.core.kernel.security import SecurityKind
from portal.core.models import SessionRecord, User
from portal.core.models.session import SessionRecordQuerySet
from portal.core.notifications import outbox

NOTE_EVERY = timedelta(minutes=1)  # a use is written down at most this often
IDLE, TOO_LONG = "长时间没有操作", "登录时间已到上限"
RECORD, BEGAN, USED = "session_record", "began_at", "used_at"  # in the session, times as seconds


def begin(
    session: SessionBase, user: User, origin: Origin, *, by: str, is_known_device: bool
) -> None:
    """Note in session, list and trail that `user` has logged in; tell them when the device is new.

    Not told: the first login of all, which cannot be anybody else's.
    """
    with transaction.atomic():
        is_first = not SessionRecord.objects.of(user).exists()
        record = _open_record(session, user, origin)
        trail.record(SecurityKind.LOGIN, user=user, origin=origin, detail=by)
        if not is_first and not is_known_device:
            _tell(user, record)


def _open_record(session: SessionBase, user: User, origin: Origin) -> SessionRecord:
    """The row of this session, begun now; whoever logs in once more begins anew."""
    close_own(session)
    real = clock.real_now()
    record = SessionRecord.objects.create(
        user=user,
        session_key=session.session_key or "",
        device=origin.device,
        address=origin.address,
        created_at=real,
        used_at=real,
    )
    session[RECORD], session[BEGAN], session[USED] = record.pk, _seconds(real), _seconds(real)
    return record


def _tell(user: User, record: SessionRecord) -> None:
    at = in_shanghai(record.created_at)
    outbox.notify(
        event="new_device",
        key=f"account:new_device:{record.public_id}",
        user=user,
        channels={"sms"},
        context={
            "device": record.device,
            "address": record.masked_address,
            "at": f"{at.month}月{at.day}日 {at:%H:%M}",
        },
        link=reverse("admin:security" if user.is_staff_member else "portal:security"),
        category="system",
        mandatory=True,
        now=clock.now(),
    )


def limits_of(user: User) -> tuple[timedelta, timedelta]:
    """(idle, absolute) of this person's sessions, by the settings."""
    if user.is_staff_member:
        return settings.STAFF_IDLE, settings.STAFF_SESSION
    return settings.BORROWER_IDLE, settings.BORROWER_SESSION


def why_over(session: SessionBase, user: User, *, idle_counts: bool) -> str:
    """Why this session may not go on, for the trail; nothing when it may.

    One that was begun before this was counted ends with its cookie.
    """
    if BEGAN not in session:
        return ""
    _, absolute = limits_of(user)
    real = _seconds(clock.real_now())
    if real - session[BEGAN] >= absolute.total_seconds():
        return TOO_LONG
    return IDLE if idle_counts and is_stale(session, user) else ""


def is_stale(session: SessionBase, user: User) -> bool:
    """Whether nobody has used this session for the idle time."""
    idle, _ = limits_of(user)
    unused = timedelta(seconds=_seconds(clock.real_now()) - session.get(USED, 0))
    return unused >= idle


def note_use(session: SessionBase, user: User) -> None:
    """Count idle time anew from now; writes once a minute. A stale session stays stale: who looks
    at a page of help does not get the pages of money back."""
    real = clock.real_now()
    if USED not in session or is_stale(session, user):
        return
    if _seconds(real) - session[USED] < NOTE_EVERY.total_seconds():
        return
    session[USED] = _seconds(real)
    SessionRecord.objects.open().filter(pk=session.get(RECORD, 0)).update(used_at=real)


def last_used(user: User) -> datetime | None:
    """When this person was last here, in real time, on whichever device; None if never."""
    records = SessionRecord.objects.of(user).order_by("-used_at")
    return records.values_list("used_at", flat=True).first()


def follow_key(session: SessionBase) -> None:
    """The session got a new key (a new password, a step up): its row goes with it."""
    SessionRecord.objects.open().filter(pk=session.get(RECORD, 0)).update(
        session_key=session.session_key
    )


def close_own(session: SessionBase) -> None:
    """Close the row of a session that its own request ends or begins anew."""
    if RECORD in session:
        _close(SessionRecord.objects.filter(pk=session[RECORD]))


def is_own(record: SessionRecord, session: SessionBase) -> bool:
    """Whether the row is this very session's."""
    return bool(record.pk == session.get(RECORD))


def end_one(*, user: User, public_id: str, origin: Origin) -> bool:
    """End one session of this person; False when they have none of that id any more."""
    records = SessionRecord.objects.of(user).filter(public_id=public_id)
    return _end(records, why="在其他设备上退出", origin=origin) == 1


def end_all(
    *, user: User, why: str, origin: Origin, but: str = "", actor: User | None = None
) -> int:
    """End every session of this person, except the one with the key `but`; returns how many.

    `why` is what the trail says of each: 密码已修改. `actor`: who had it done, if somebody else.
    """
    records = SessionRecord.objects.of(user).exclude(session_key=but)
    return _end(records, why=why, origin=origin, actor=actor)


def forget_devices(user: User) -> None:
    """No device counts as this person's any more, until they log in there again."""
    User.objects.filter(pk=user.pk).update(device_generation=F("device_generation") + 1)
    user.refresh_from_db(fields=["device_generation"])


def end_overdue() -> int:
    """End what nobody came back to, and delete what the engine has kept too long; returns how many."""
    real, ended = clock.real_now(), 0
    is_staff = Q(user__role=Role.STAFF)
    overdue = (
        (IDLE, is_staff & Q(used_at__lte=real - settings.STAFF_IDLE)),
        (TOO_LONG, is_staff & Q(created_at__lte=real - settings.STAFF_SESSION)),
        (TOO_LONG, ~is_staff & Q(created_at__lte=real - settings.BORROWER_SESSION)),
    )
    for why, which in overdue:
        ended += _end(SessionRecord.objects.filter(which), why=why, origin=trail.SYSTEM)
    _engine().clear_expired()
    return ended


def _end(
    records: SessionRecordQuerySet, *, why: str, origin: Origin, actor: User | None = None
) -> int:
    """End these sessions in the list, in the engine and in the trail."""
    with transaction.atomic():
        ended = list(records.open().select_for_update(of=("self",)).select_related("user"))
        for record in ended:
            _engine()().delete(record.session_key)
            trail.record(
                SecurityKind.SESSION_ENDED,
                user=record.user,
                origin=origin,
                actor=actor,
                detail=f"{why}（{record.device}）",
            )
        _close(SessionRecord.objects.filter(pk__in=[record.pk for record in ended]))
    return len(ended)


def _close(records: SessionRecordQuerySet) -> None:
    records.open().update(ended_at=clock.real_now(), session_key="")


def _engine() -> type[SessionBase]:
    """Whatever keeps the sessions of this deployment."""
    store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    return store


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())
