"""登录, 注册, 退出: by a code in a short message or by password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import trigger_client_event

from portal.core import clock
from portal.core.accounts import accounts, passkeys
from portal.core.models import User
from portal.core.web import proofs, visitor
from portal.core.web.htmx import redirect_to, render_part, wants_part
from portal.site.demo import cast
from portal.site.pages import visit
from portal.site.pages.signing_in.forms import CodeLoginForm, PasswordLoginForm, RegisterForm

WAYS: dict[str, type[CodeLoginForm] | type[PasswordLoginForm]] = {
    "code": CodeLoginForm,
    "password": PasswordLoginForm,
}
PROOFS = {"code": "短信验证码", "password": "密码"}  # in the trail of accounts
PARTS = {
    "login": ("registration/login.html", "registration/_login_form.html"),
    "register": ("registration/register.html", "registration/_register_form.html"),
}


@login_not_required
@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """By short message or by password; staff go to their desk."""
    if request.user.is_authenticated:
        over_page = visit.signs_in_over_page(request)
        page = visit.wanted_page(request) if over_page else visit.home_of(request.user)
        return visit.go_on(request, page)
    way = request.POST.get("by", request.GET.get("by", ""))
    if way == "passkey":
        return _by_passkey(request)
    way = "password" if way == "password" else "code"
    form = WAYS[way](request.POST) if request.method == "POST" else WAYS[way]()
    user = _prove(request, form, way) if form.is_bound and form.is_valid() else None
    if user is not None:
        return visit.go_on(request, visit.enter(request, user, by=PROOFS[way]))
    return _page(request, "login", form, by=way)


def _by_passkey(request: HttpRequest) -> HttpResponse:
    """The third way: borrowers' passkeys, which tell by themselves whose they are."""
    form = Form(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            user = passkeys.prove(
                user=None,
                credential=request.POST.get("credential", ""),
                challenge=proofs.challenged_with(request, aim="login"),
                origin=visitor.origin(request),
            )
        except visitor.REFUSALS as problem:
            form.add_error(None, problem.message)
        else:
            return visit.go_on(request, visit.enter(request, user, by=passkeys.BY_PASSKEY))
    options, challenge = passkeys.request_options(None)
    proofs.challenge_with(request, challenge, aim="login")
    return _page(request, "login", form, by="passkey", options=options)


def _prove(request: HttpRequest, form: Form, way: str) -> User | None:
    """The user whom the form proves; a refusal is written into the form."""
    values = form.cleaned_data
    try:
        if way == "password":
            return accounts.authenticate_password(
                phone=values["phone"],
                password=values["password"],
                origin=visitor.origin(request),
                known_here=visitor.known_here(request),
                otherwise="或用短信验证码登录",
            )
        return accounts.authenticate_code(
            phone=values["phone"],
            code=values["code"],
            session_key=visitor.session_key(request),
            origin=visitor.origin(request),
        )
    except visitor.REFUSALS as problem:
        if way == "password":  # neither of the two fields is said to be the wrong one
            form.add_error(None, problem.message)
        else:
            visitor.refuse(form, problem)
        return None


@login_not_required
@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """A new borrower, whose phone a code has proven; logged in at once."""
    if request.user.is_authenticated:
        return redirect_to(request, visit.home_of(request.user))
    form = RegisterForm(request.POST) if request.method == "POST" else RegisterForm()
    user = _enrol(request, form) if form.is_bound and form.is_valid() else None
    if user is not None:
        return redirect_to(request, visit.enter(request, user, by=PROOFS["code"]))
    return _page(request, "register", form)


def _enrol(request: HttpRequest, form: Form) -> User | None:
    """The new user; a refusal is written into the form."""
    fields = ("phone", "code", "name", "password")
    values = {name: form.cleaned_data[name] for name in fields}
    try:
        return accounts.register(
            **values,
            session_key=visitor.session_key(request),
            origin=visitor.origin(request),
            now=clock.real_now(),
        )
    except visitor.REFUSALS as problem:
        visitor.refuse(form, problem)
        return None


@login_not_required
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session, and let the browser forget what it kept of it."""
    visitor.log_out(request)
    response = redirect_to(request, reverse(settings.LOGOUT_REDIRECT_URL))
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


@never_cache
@require_safe
def signed_in(request: HttpRequest) -> HttpResponse:
    """The page under the sheet is that of whoever has signed in: it gets the new session's token."""
    if not wants_part(request):
        return redirect("portal:front")
    response = HttpResponse(status=204)
    return trigger_client_event(response, "signed-in", {"token": get_token(request)})


@login_not_required
@require_http_methods(["GET", "HEAD"])
def front(request: HttpRequest) -> HttpResponse:
    """The bare address leads to where a person starts."""
    return redirect(visit.home_of(request.user))


def _page(request: HttpRequest, purpose: str, form: Form, **extra: Any) -> HttpResponse:
    page, part = PARTS[purpose]
    if visit.signs_in_over_page(request):
        form.auto_id = visit.OVER_PAGE_ID
    context = {
        "form": form,
        "purpose": purpose,
        "next": visit.wanted_page(request),
        "over_page": visit.signs_in_over_page(request),
        **visit.code_state(request, purpose),
        **demo_context(purpose),
        **extra,
    }
    status = 422 if form.errors else 200
    return render_part(request, page=page, part=part, context=context, status=status)


def demo_context(purpose: str) -> dict[str, Any]:
    """In the demo the login page shows whom one may be."""
    if not settings.DEMO or purpose != "login":
        return {}
    return {"cast": cast.MEMBERS, "cast_password": cast.PASSWORD}
