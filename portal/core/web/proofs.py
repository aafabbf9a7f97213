"""What a session knows of its second factor: who still waits for one, and when it was last given.

A member of staff whose password was right is nobody yet: the session only remembers for whom the
factor is awaited, and logs in once it has come. All in real time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.models import User
from portal.core.sealed import Unreadable, seal, unseal
from portal.core.web import visitor

WAITING = "factor_waiting"
PROVEN_AT = "factor_at"
CHALLENGE = "passkey"  # what a passkey is to sign, and for what
NEW_KEY = "factor_key"  # of an authenticator that is being enrolled, sealed
WAIT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody whose first proof (`by` 密码) was right; `then` is the page they were going to."""

    user: User
    by: str
    then: str


def needs_factor(user: User) -> bool:
    """Whether this person may log in with a second factor only."""
    return settings.STAFF_FACTOR and user.is_staff_member


def await_factor(request: HttpRequest, user: User, *, by: str, then: str) -> None:
    """Remember whose second factor is awaited; nobody is logged in by that."""
    request.session.flush()
    request.session[WAITING] = {
        "user": user.pk,
        "state": user.get_session_auth_hash(),
        "by": by,
        "then": then,
        "until": (clock.real_now() + WAIT).isoformat(),
    }


def awaited(request: HttpRequest) -> Waiting | None:
    """Whose factor this session waits for; None after ten minutes or a change of the account."""
    kept = request.session.get(WAITING)
    if kept is None or clock.real_now() >= datetime.fromisoformat(kept["until"]):
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True).first()
    if user is None or not constant_time_compare(kept["state"], user.get_session_auth_hash()):
        return None
    return Waiting(user, kept["by"], kept["then"])


def enter(request: HttpRequest, waiting: Waiting, *, by: str) -> None:
    """Log in whoever has now given the second factor too (`by` 验证器)."""
    request.session.flush()
    visitor.log_in(request, waiting.user, by=f"{waiting.by}和{by}")
    mark_proven(request.session)


def renew(request: HttpRequest) -> None:
    """A factor was given just now: the session gets another key, the old one is dead."""
    request.session.cycle_key()
    mark_proven(request.session)


def mark_proven(session: SessionBase) -> None:
    """Note that whoever this session belongs to has given a second factor just now."""
    session[PROVEN_AT] = clock.real_now().isoformat()


def is_proven(request: HttpRequest) -> bool:
    """Whether this session was begun with a second factor."""
    return PROVEN_AT in request.session


def is_fresh(request: HttpRequest) -> bool:
    """Whether a second factor was given within STEP_UP_MINUTES."""
    proven_at = request.session.get(PROVEN_AT)
    allowed = timedelta(minutes=settings.STEP_UP_MINUTES)
    return proven_at is not None and clock.real_now() < datetime.fromisoformat(proven_at) + allowed


def key_in_hand(request: HttpRequest, user: User) -> bytes | None:
    """The key that this session is enrolling for the user."""
    try:
        box = bytes.fromhex(request.session.get(NEW_KEY, ""))
        return unseal(box, purpose=f"enrol:{user.pk}")
    except (Unreadable, ValueError):
        return None


def take_in_hand(request: HttpRequest, user: User, key: bytes) -> None:
    """Keep the key between the QR code and the code that proves it."""
    request.session[NEW_KEY] = seal(key, purpose=f"enrol:{user.pk}").hex()


def let_go(request: HttpRequest) -> None:
    """Forget the key that was being enrolled."""
    request.session.pop(NEW_KEY, None)


def challenge_with(request: HttpRequest, challenge: bytes, *, aim: str) -> None:
    """Keep what a passkey is asked to sign, for `aim` (login, factor, add)."""
    request.session[CHALLENGE] = {
        "hex": challenge.hex(),
        "aim": aim,
        "until": (clock.real_now() + WAIT).isoformat(),
    }


def challenged_with(request: HttpRequest, *, aim: str) -> bytes:
    """What a passkey was asked to sign, once; RuleViolation when it was for something else or long ago."""
    kept = request.session.pop(CHALLENGE, None)
    if (
        kept is None
        or kept["aim"] != aim
        or clock.real_now() >= datetime.fromisoformat(kept["until"])
    ):
        raise RuleViolation("页面已过期，请再试一次", code="passkey-late")
    return bytes.fromhex(kept["hex"])
