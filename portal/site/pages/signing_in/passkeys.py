"""通行密钥 of a borrower: listed, added after the password, removed; and logging in with one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.core.accounts import passkeys
from portal.core.models import User
from portal.core.web import proofs, visitor
from portal.core.web.access import borrower_only
from portal.core.web.htmx import redirect_to, render_part
from portal.site.pages import visit
from portal.site.pages.signing_in.forms import PasswordForm

PAGE = "portal/account/passkeys.html"


@borrower_only
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def passkeys_page(request: HttpRequest) -> HttpResponse:
    """The list; a right password brings the options with which the browser makes one."""
    user = visit.person(request)
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if not form.is_valid() or not visit.is_right_password(request, form):
        return _page(request, user, form=form, status=422 if form.errors else 200)
    return _offer(request, user)


def _offer(request: HttpRequest, user: User, *, refused: str = "") -> HttpResponse:
    """The button that makes one; that it was offered is kept with what the browser has to sign."""
    options, challenge = passkeys.creation_options(user)
    proofs.challenge_with(request, challenge, aim="add")
    about = {"options": options, "named": request.POST.get("name", "")[:30], "refused": refused}
    return _page(request, user, status=422 if refused else 200, **about)


def _page(request: HttpRequest, user: User, *, status: int, **about: object) -> HttpResponse:
    context = {"passkeys": user.passkeys.all(), **about}
    return render_part(request, page=PAGE, part=PAGE, context=context, status=status)


@require_POST
@borrower_only
def add(request: HttpRequest) -> HttpResponse:
    """Keep what the browser has made; only after the password, which the options stand for."""
    user = visit.person(request)
    try:
        challenge = proofs.challenged_with(request, aim="add")
    except visitor.REFUSALS as problem:
        messages.error(request, problem.message)
        return redirect_to(request, reverse("portal:passkeys"))
    try:
        passkeys.add(
            user=user,
            name=request.POST.get("name", ""),
            credential=request.POST.get("credential", ""),
            challenge=challenge,
            origin=visitor.origin(request),
        )
    except visitor.REFUSALS as problem:
        return _offer(request, user, refused=problem.message)
    messages.success(request, "通行密钥已添加，下次可以用它登录。")
    return redirect_to(request, reverse("portal:passkeys"))


@require_POST
@borrower_only
def remove(request: HttpRequest, passkey: str) -> HttpResponse:
    """移除 one of one's own."""
    user, here = visit.person(request), visitor.origin(request)
    if passkeys.remove(user=user, public_id=passkey, origin=here):
        messages.success(request, "通行密钥已移除。")
    return redirect_to(request, reverse("portal:passkeys"))
