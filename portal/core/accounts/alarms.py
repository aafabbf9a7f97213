"""The owner of an account is told when somebody keeps trying to get in, once a day for each way."""

from __future__ import annotations

from enum import StrEnum

from django.db import transaction

from portal.core import clock
from portal.core.kernel.businesstime import business_date
from portal.core.models import User
from portal.core.notifications.outbox import notify


class Way(StrEnum):
    """How a stranger tries."""

    PASSWORD = "password"
    CODE = "code"
    FACTOR = "factor"  # whoever it is knows the password


def tell_owner(user: User | None, way: Way) -> None:
    """Write the notice of today's attempts; nothing for an account that does not exist.

    Never inside a transaction that may still be undone: the attempts have happened.
    """
    if user is None:
        return
    event = "staff_login_attempts" if user.is_staff_member else "login_attempts"
    now = clock.now()
    with transaction.atomic():
        notify(
            event=event,
            key=f"{event}:{way}:{business_date(clock.real_now())}:{user.pk}",
            user=user,
            channels={"sms"},
            context={"way": way.value, "at": now},
            category="system",
            mandatory=True,
            now=now,
        )
