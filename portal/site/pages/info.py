"""Pages that only explain: help, and the texts that are agreed to."""

from __future__ import annotations

from datetime import UTC, timedelta

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.core import clock
from portal.core.accounts import parking
from portal.site import kept_form
from portal.site.pages import visit
from relief.cases.collection import IN_PLAN_SENTENCE, IN_TALKS_SENTENCE
from relief.cases.queries import rules_for

TEXTS = {"service": "用户服务协议", "privacy": "隐私政策", "review": "减免审核授权书"}


@login_not_required
@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """The questions that people ask first."""
    return render(
        request,
        "portal/info/help.html",
        {"rules": rules_for(None), "collection": IN_TALKS_SENTENCE + IN_PLAN_SENTENCE},
    )


@never_cache
@require_safe
def kept(request: HttpRequest) -> HttpResponse:
    """After the login: what was posted when the session ran out may go on, or be left."""
    user = visit.person(request)
    action = parking.where_to(user=user, word=request.GET.get("word", ""), keep=kept_form.KEEP)
    shell = "admin/portal/kept.html" if user.is_staff_member else "portal/account/kept.html"
    context = {"action": action, "word": request.GET.get("word", ""), "title": "接着提交"}
    if user.is_staff_member:
        context |= admin.site.each_context(request)
    return render(request, shell, context | {"minutes": kept_form.MINUTES})


@login_not_required
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What search engines may read: what anybody may, and nothing of a person."""
    lines = ["User-agent: *", "Disallow: /"]
    lines += [f"Allow: {reverse('portal:help')}$", f"Allow: {reverse('portal:verify')}$"]
    lines += [f"Allow: {reverse('portal:legal', args=[slug])}$" for slug in TEXTS]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Whom to tell about a hole (RFC 9116): SECURITY_CONTACT, or else the page that helps."""
    here = request.build_absolute_uri
    expires = (clock.real_now() + timedelta(days=180)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    lines = [
        f"Contact: {settings.SECURITY_CONTACT or here(reverse('portal:help'))}",
        f"Expires: {expires.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: zh, en",
        f"Canonical: {here(reverse('portal:security-txt'))}",
    ]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
def change_password(request: HttpRequest) -> HttpResponse:
    """Where password managers look for the form: the borrower's, or at the desk the staff's."""
    staff = request.user.is_authenticated and request.user.is_staff
    return redirect("admin:password_change" if staff else "portal:change-password")


@login_not_required
@require_safe
def legal(request: HttpRequest, slug: str) -> HttpResponse:
    """One of the texts."""
    if slug not in TEXTS:
        raise Http404
    return render(
        request, f"portal/info/legal_{slug}.html", {"name": TEXTS[slug], "rules": rules_for(None)}
    )
