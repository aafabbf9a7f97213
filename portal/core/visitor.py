"""What every page asks of a request: its session, its origin; logging in and out; where a refusal shows."""

from __future__ import annotations

from django.conf import settings
from django.contrib import auth
from django.core import signing
from django.forms import BaseForm
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from portal.core.accounts import trail
from portal.core.errors import RuleViolation
from portal.core.kernel.devices import Origin, describe_device
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.security import SecurityKind
from portal.core.models import User

DEVICE_COOKIE = "__Host-device" if settings.HTTPS else "device"
DEVICE_AGE = 180 * 24 * 3600  # seconds
DEVICE_PEOPLE = 5
REFUSALS = (RuleViolation, InvalidInput)


def session_key(request: HttpRequest) -> str:
    """The key of the visit's session, which a code is bound to; made when there is none."""
    if not request.session.session_key:
        request.session.create()
    return str(request.session.session_key)


def address(request: HttpRequest) -> str:
    """The visitor's own address (see ForwardedMiddleware), for limits and the trail."""
    return str(request.META.get("REMOTE_ADDR", ""))


def origin(request: HttpRequest) -> Origin:
    """Where the request comes from, for the security trail."""
    return Origin(address(request), describe_device(request.headers.get("User-Agent", "")[:400]))


def log_in(request: HttpRequest, user: User, *, by: str) -> None:
    """Begin a session of `user`, who has proven who they are `by` 密码 or 短信验证码."""
    auth.login(request, user)
    trail.record(SecurityKind.LOGIN, user=user, origin=origin(request), detail=by)


def log_out(request: HttpRequest) -> None:
    """End the session of whoever it is, if anybody."""
    if isinstance(request.user, User):
        trail.record(SecurityKind.LOGOUT, user=request.user, origin=origin(request))
    auth.logout(request)


def known_here(request: HttpRequest) -> list[int]:
    """Ids of whoever has logged in on this device in the last months, by its signed cookie."""
    try:
        ids = signing.loads(
            request.COOKIES.get(DEVICE_COOKIE, ""), salt=DEVICE_COOKIE, max_age=DEVICE_AGE
        )
    except signing.BadSignature:
        return []
    return [int(pk) for pk in ids]


def remember_device(request: HttpRequest, response: HttpResponseBase) -> None:
    """Have the device keep that this person has logged in on it, once a session; five people at most."""
    person, known_ids = request.user.pk, known_here(request)
    if person in known_ids:
        return
    response.set_cookie(
        DEVICE_COOKIE,
        signing.dumps([person, *known_ids][:DEVICE_PEOPLE], salt=DEVICE_COOKIE),
        max_age=DEVICE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def refuse(form: BaseForm, problem: RuleViolation | InvalidInput, **names: str) -> None:
    """Puts a refusal at the field it names (`names` translates), or over the form."""
    name = names.get(problem.field, problem.field)
    form.add_error(name if name in form.fields else None, problem.message)
