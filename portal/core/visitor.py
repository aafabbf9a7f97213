"""What every page asks of a request: its session, its address; and where it shows a refusal."""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.forms import BaseForm
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from portal.core.errors import RuleViolation
from portal.core.kernel.errors import InvalidInput

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
