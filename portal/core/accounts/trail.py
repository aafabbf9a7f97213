"""The one writer of the security trail: every login, failure, factor, session end and change of rights."""

from __future__ import annotations

import logging

from portal.core import clock
from portal.core.kernel.devices import Origin
from portal.core.kernel.security import SecurityKind
from portal.core.models import SecurityEvent, User

logger = logging.getLogger(__name__)
SYSTEM = Origin()  # what nobody's browser asked for


def record(
    kind: SecurityKind,
    *,
    user: User | None,
    origin: Origin,
    actor: User | None = None,
    detail: str = "",
) -> SecurityEvent:
    """Write one line about the account of `user` (None: a name that no account has), in real time.

    `actor` is who did it when that is somebody else. `detail` is a few Chinese words that its owner
    reads (密码, 审核员 → 主管), never a phone, code or key. Stands or falls with the transaction
    around it: a failure is recorded outside one, a change of rights in the transaction of the change.
    """
    event = SecurityEvent.objects.create(
        kind=kind.value,
        user=user,
        actor=actor,
        address=origin.address,
        device=origin.device,
        detail=detail[:200],
        at=clock.real_now(),
    )
    logger.info(
        "account.event",
        extra={"kind": kind.value, "user": user.pk if user else "", "row": event.pk},
    )
    return event
