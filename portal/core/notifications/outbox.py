"""The outbox: says something to somebody by writing rows, in the transaction of what it tells.

Nothing is sent here; `dispatch` does that after commit, at least once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from portal.core.models import Delivery, Notice, User
from portal.core.notifications import texts
from portal.core.notifications.channels.in_app import write_notices
from portal.core.nudge import nudge
from portal.core.unit_of_work import UnitOfWork

DELIVER = "portal.tasks.deliver_due"


@dataclass
class _Letter:
    """A notice and its deliveries before they are rows."""

    notice: Notice
    deliveries: list[Delivery]


def notify(
    *,
    event: str,
    key: str,
    user: User,
    channels: Collection[str],
    context: Mapping[str, object],
    about: str = "",
    link: str = "",
    category: str = "relief",
    mandatory: bool = False,
    not_after: datetime | None = None,
    now: datetime,
) -> Notice:
    """Write the notice of `event` to `user` and its deliveries (relief/RULES.md §9).

    In the app always; `channels` ⊆ {"sms", "phone"} besides. The same `key` twice is once, and
    the first text stands. A user who switched messages off gets none unless `mandatory`. Texts
    come from `templates/notifications/**/<event>.{in_app,sms,phone}.txt`; the context also has
    `code`, the short code by which a borrower can tell a real message. Times are business time.
    A reminder names with `not_after` when its moment has passed: then it is not sent any more.
    Inside `together()` the rows are written at its end; until then the notice has no pk.
    Example: key "offer-made:k7q2m9x4tzbd:3", channels {"sms"} → one Notice, one Delivery.
    """
    unknown = set(channels) - set(Delivery.Channel.values)
    if unknown:
        raise ValueError(f"unknown channels: {sorted(unknown)}")
    code = texts.verification_code(key)
    full = {**context, "code": code}
    title, _, body = texts.render_text(event, "in_app", full).partition("\n")
    notice = Notice(
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
    deliveries = [
        Delivery(
            user=user,
            channel=channel,
            event=event,
            key=f"{key}:{channel}",
            to=user.phone or "",
            text=_text_for(channel, event, full, code),
            code=code,
            about=about,
            mandatory=mandatory,
            next_attempt_at=now,
            not_after=not_after,
            created_at=now,
        )
        for channel in sorted(channels)
        if _can_reach(channel, user, mandatory=mandatory)
    ]
    letter = _Letter(notice, deliveries)
    _letters.add(letter)
    return letter.notice


def _write(letters: list[_Letter]) -> None:
    """The rows of all letters whose keys are new, in three statements; one nudge."""
    with transaction.atomic(savepoint=False):
        stored = write_notices([letter.notice for letter in letters])
        rows = []
        for letter in letters:
            drafted, letter.notice = letter.notice, stored[letter.notice.key]
            if letter.notice.public_id == drafted.public_id:
                for delivery in letter.deliveries:
                    delivery.notice = letter.notice
                rows += letter.deliveries
        Delivery.objects.bulk_create(rows)
        if rows:
            nudge(DELIVER)


_letters = UnitOfWork("letters", _write)
together = _letters.block


def _can_reach(channel: str, user: User, *, mandatory: bool) -> bool:
    """Whether this person can and wants to be reached by `channel`."""
    if not user.phone:
        return False
    return channel != Delivery.Channel.SMS or user.sms_enabled or mandatory


def _text_for(channel: str, event: str, context: Mapping[str, object], code: str) -> str:
    """The final text for one channel."""
    if channel == Delivery.Channel.SMS:
        return texts.sms_text(event, context, code)
    return texts.phone_script(event, context, code)


def send_login_code(*, phone: str, key: str, digits: str, minutes: int, now: datetime) -> Delivery:
    """Put a one-time code into the outbox: no notice, no quiet hours, perhaps no user yet."""
    code = texts.verification_code(key)
    delivery = Delivery.objects.create(
        user=User.objects.filter(phone=phone).first(),
        channel=Delivery.Channel.SMS,
        event="login_code",
        key=key,
        to=phone,
        text=texts.sms_text("login_code", {"digits": digits, "minutes": minutes}, code),
        code=code,
        exempt=True,
        next_attempt_at=now,
        created_at=now,
    )
    nudge(DELIVER)
    return delivery
