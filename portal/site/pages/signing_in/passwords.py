"""A new password: forgotten (by a code) or changed (by the present one)."""

from __future__ import annotations

from django.contrib import auth, messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.core.accounts import passwords
from portal.core.models import User
from portal.core.web import visitor
from portal.core.web.access import borrower_only
from portal.core.web.htmx import redirect_to, render_part
from portal.site.pages import visit
from portal.site.pages.signing_in.forms import ChangePasswordForm, ResetForm


@login_not_required
@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest) -> HttpResponse:
    """忘记密码: a code proves the phone, then the new password holds and one is logged in."""
    if request.user.is_authenticated:
        return redirect("portal:change-password")
    form = ResetForm(request.POST) if request.method == "POST" else ResetForm()
    user = _reset(request, form) if form.is_bound and form.is_valid() else None
    if user is not None:
        page = visit.enter(request, user, by="短信验证码（重置密码）")
        messages.success(request, "新密码已生效，其他设备上的登录已退出。")
        return redirect_to(request, page)
    context = {
        "form": form,
        "purpose": "reset",
        "next": "",
        **visit.code_state(request, "reset"),
    }
    return render_part(
        request,
        page="registration/reset.html",
        part="registration/_reset_form.html",
        context=context,
        status=422 if form.errors else 200,
    )


def _reset(request: HttpRequest, form: ResetForm) -> User | None:
    """The user with the new password; a refusal is written into the form."""
    values = {name: form.cleaned_data[name] for name in ("phone", "code", "password")}
    try:
        return passwords.reset_password(
            **values, session_key=visitor.session_key(request), origin=visitor.origin(request)
        )
    except visitor.REFUSALS as problem:
        visitor.refuse(form, problem)
        return None


@borrower_only
@sensitive_post_parameters("current", "password")
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest) -> HttpResponse:
    """修改密码; this session stays, all others end."""
    form = ChangePasswordForm(request.POST) if request.method == "POST" else ChangePasswordForm()
    if form.is_bound and form.is_valid():
        values = {name: form.cleaned_data[name] for name in ("current", "password")}
        try:
            user = passwords.change_password(
                user=visit.person(request),
                **values,
                session_key=visitor.session_key(request),
                origin=visitor.origin(request),
            )
        except visitor.REFUSALS as problem:
            visitor.refuse(form, problem)
        else:
            auth.update_session_auth_hash(request, user)
            messages.success(request, "密码已修改，其他设备上的登录已退出。")
            return redirect_to(request, reverse("portal:settings"))
    return render_part(
        request,
        page="portal/account/change_password.html",
        part="portal/account/_change_password_form.html",
        context={"form": form},
        status=422 if form.errors else 200,
    )
