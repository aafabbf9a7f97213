"""What every page asks of a request: its session, its origin; logging in and out; where a refusal shows."""

from __future__ import annotations

from django.conf import settings
from django.contrib import auth
from django.core import signing
from django.forms import BaseForm
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

from portal.core.accounts import sessions, trail
from portal.core.errors import RuleViolation
from portal.core.kernel.devices import Origin, describe_device
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.security import SecurityKind
from portal.core.models import User

DEVICE_COOKIE = "__Host-device" if settings.HTTPS else "device"
DEVICE_SALT = "portal.device"
DEVICE_AGE = 180 * 24 * 3600  # seconds
DEVICE_PEOPLE = 20 if settings.DEMO else 5  # a demo's one browser is the whole cast
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
    if isinstance(request.user, User) and request.user != user:
        log_out(request)
    auth.login(request, user)
    is_known = user.pk in known_here(request)
    sessions.begin(request.session, user, origin(request), by=by, is_known_device=is_known)


def log_out(request: HttpRequest) -> None:
    """End the session of whoever it is, if anybody."""
    if isinstance(request.user, User):
        trail.record(SecurityKind.LOGOUT, user=request.user, origin=origin(request))
        sessions.close_own(request.session)
    auth.logout(request)


def end_session(request: HttpRequest, user: User, *, why: str) -> None:
    """End the session of the request itself, whose time is over."""
    trail.record(SecurityKind.SESSION_ENDED, user=user, origin=origin(request), detail=why)
    sessions.close_own(request.session)
    auth.logout(request)


def page_owner(user: User) -> str:
    """The word by which a page says whose it is (X-Owner); it tells nobody else who that is."""
    return salted_hmac("portal.page-owner", str(user.pk)).hexdigest()[:16]


def known_here(request: HttpRequest) -> list[int]:
    """Ids of whoever has logged in on this device in the last months, by its signed cookie.

    Not of somebody who has had all devices forgotten since (a password that was reset).
    """
    people = _people_here(request)
    generations = User.objects.filter(pk__in=[pk for pk, _ in people])
    return [row[0] for row in generations.values_list("pk", "device_generation") if row in people]


def _people_here(request: HttpRequest) -> list[tuple[int, int]]:
    """(id, generation of devices) of everybody in the device's cookie, the latest first."""
    cookie = request.COOKIES.get(DEVICE_COOKIE, "")
    try:
        pairs = signing.loads(cookie, salt=DEVICE_SALT, max_age=DEVICE_AGE)
    except signing.BadSignature:
        return []
    return [(int(pk), int(generation)) for pk, generation in pairs]


def remember_device(request: HttpRequest, response: HttpResponseBase) -> None:
    """Have the device keep that this person has logged in on it; DEVICE_PEOPLE at most."""
    if not isinstance(request.user, User):
        return
    person = (request.user.pk, request.user.device_generation)
    people = _people_here(request)
    if person in people:
        return
    others = [one for one in people if one[0] != request.user.pk]
    response.set_cookie(
        DEVICE_COOKIE,
        signing.dumps([person, *others][:DEVICE_PEOPLE], salt=DEVICE_SALT),
        max_age=DEVICE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def refuse(form: BaseForm, problem: RuleViolation | InvalidInput, **names: str) -> None:
    """Puts a refusal at the field it names (`names` translates), or over the form."""
    name = names.get(problem.field, problem.field)
    form.add_error(name if name in form.fields else None, problem.message)
