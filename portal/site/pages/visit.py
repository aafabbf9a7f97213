"""State of one visit: who is logged in, which code was sent, where to go next."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from portal.core import clock
from portal.core.accounts import accounts
from portal.core.kernel.phones import mask_phone
from portal.core.kernel.security import SecurityKind
from portal.core.models import User
from portal.core.web import proofs, visitor
from portal.core.web.htmx import redirect_to, wants_part
from portal.site.pages.signing_in.forms import PasswordForm

RESEND_AFTER = timedelta(seconds=60)
OVER_PAGE_ID = "again_%s"  # of fields in the sheet, which are no fields of the page under it
SENT = "codes_sent"  # session: purpose -> [masked phone, instant] of the last code
LOCAL_PATH = re.compile(r"/(?:[^/\\\s][^\\\s]*)?")


def person(request: HttpRequest) -> User:
    """Who is logged in; only for views that nobody else reaches."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def is_right_password(request: HttpRequest, form: PasswordForm) -> bool:
    """Whether the form has the password of who is logged in; if not it says so, and the trail too."""
    user = person(request)
    try:
        accounts.authenticate_password(
            phone=user.username,
            password=form.cleaned_data["password"],
            origin=visitor.origin(request),
            known_here=[user.pk],
            failure=SecurityKind.PASSWORD_REFUSED,
        )
    except visitor.REFUSALS as problem:
        form.add_error("password", problem.message)
        return False
    return True


def wanted_page(request: HttpRequest) -> str:
    """The `next` of a form or link if it is a path of this site, else nothing."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if safe and LOCAL_PATH.fullmatch(wanted) else ""


def home_of(user: User | AnonymousUser) -> str:
    """Where a person starts: staff at their desk, borrowers at 我的, others at the login."""
    if not isinstance(user, User):
        return reverse(settings.LOGIN_URL)
    return reverse("portal:me") if user.is_borrower else reverse("admin:index")


def page_after_login(user: User, wanted: str) -> str:
    """The wanted page if this person may have it: the desk is for staff, all else for borrowers."""
    is_desk = wanted.startswith(reverse("admin:index"))
    return wanted if wanted and is_desk == user.is_staff_member else home_of(user)


def enter(request: HttpRequest, user: User, *, by: str) -> str:
    """Let in whoever is proven `by` 密码 or 短信验证码; the page to go to.

    Staff are in only after their second factor, which that page asks for.
    """
    page = page_after_login(user, wanted_page(request))
    if proofs.needs_factor(user):
        proofs.await_factor(request, user, by=by, then=page)
        return reverse("admin:factor-login")
    visitor.log_in(request, user, by=by)
    return page


def signs_in_over_page(request: HttpRequest) -> bool:
    """Whether the form stands in the sheet 登录已失效, over a page that goes on afterwards."""
    again = (reverse("portal:login-again"), reverse("admin:login-again"))
    return wants_part(request) and wanted_page(request) in again


def go_on(request: HttpRequest, page: str) -> HttpResponse:
    """Leave the login for `page`; over a page that stays, its script hears what `page` says."""
    return redirect(page) if signs_in_over_page(request) else redirect_to(request, page)


def remember_code(request: HttpRequest, purpose: str, phone: str) -> None:
    """Note that a code went out, so that every later look at the form says so."""
    sent = dict(request.session.get(SENT, {}))
    sent[purpose] = [mask_phone(phone), clock.real_now().isoformat()]
    request.session[SENT] = sent


def code_state(request: HttpRequest, purpose: str) -> dict[str, Any]:
    """What the code field says: to whom a code was sent, and in how many seconds again."""
    sent = request.session.get(SENT, {}).get(purpose)
    if sent is None:
        return {"sent_to": "", "resend_in": 0}
    waits = datetime.fromisoformat(sent[1]) + RESEND_AFTER - clock.real_now()
    return {"sent_to": sent[0], "resend_in": max(0, round(waits.total_seconds()))}
