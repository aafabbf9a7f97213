"""登录与安全: where one is logged in, with a button to end it, and what happened to the account."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from portal.core.accounts import sessions
from portal.core.models import SecurityEvent, SessionRecord, User
from portal.core.web import visitor
from portal.core.web.access import borrower_only
from portal.core.web.htmx import redirect_to, render_part
from portal.site.pages import visit

EVENTS_SHOWN = 50


@require_safe
@borrower_only
def security(request: HttpRequest) -> HttpResponse:
    """Sessions and events of the borrower's account."""
    page = "portal/account/security.html"
    context = account_context(request, visit.person(request))
    return render_part(request, page=page, part=page, context=context)


def account_context(request: HttpRequest, user: User) -> dict[str, object]:
    """What the page shows, at the borrower's settings and at the desk."""
    open_sessions = list(SessionRecord.objects.of(user).open())
    for record in open_sessions:
        record.is_here = sessions.is_own(record, request.session)
    events = SecurityEvent.objects.about(user).select_related("actor")[:EVENTS_SHOWN]
    return {"sessions": open_sessions, "events": events, "events_shown": EVENTS_SHOWN}


@require_POST
@borrower_only
def end_one(request: HttpRequest, session: str) -> HttpResponse:
    """退出 one of one's own sessions."""
    return ended_one(request, visit.person(request), session, back=reverse("portal:security"))


def ended_one(request: HttpRequest, user: User, public_id: str, *, back: str) -> HttpResponse:
    """End it and say so; the same words at the desk. One that is gone already is no mistake."""
    sessions.end_one(user=user, public_id=public_id, origin=visitor.origin(request))
    messages.success(request, "这台设备上的登录已退出。")
    return redirect_to(request, back)


@require_POST
@borrower_only
def end_all(request: HttpRequest) -> HttpResponse:
    """全部退出: every session, this one too."""
    return ended_all(request, visit.person(request), login=reverse("portal:login"))


def ended_all(request: HttpRequest, user: User, *, login: str) -> HttpResponse:
    """End all of them and go to the login; no device is known as this person's any more."""
    sessions.end_all(user=user, why="全部退出", origin=visitor.origin(request))
    sessions.forget_devices(user)
    visitor.log_out(request)
    messages.success(request, "所有设备上的登录都已退出，请重新登录。")
    return redirect_to(request, login)
