"""The second factor of staff at the desk: asked at login, enrolled at the first, cared for after."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.core.accounts import factors, parking, passkeys, sessions
from portal.core.models import User
from portal.core.web import proofs, visitor
from portal.core.web.htmx import redirect_to, wants_part
from portal.site.middleware import login_again
from portal.site.pages import visit
from portal.site.step_up import PARKED, act_at

LOGIN_PART, FACTOR_PART = (
    "admin/portal/factor/_log_in.html",
    "admin/portal/factor/_ask.html",
)  # in the sheet over a page whose session has ended
LATE = "登录已超时，请重新输入用户名和密码"
FEW_CODES = 3


class FactorForm(forms.Form):
    """动态码: six digits of the app, or a recovery code on paper."""

    code = forms.CharField(
        label="动态码",
        max_length=40,
        widget=forms.TextInput(
            {"autocomplete": "one-time-code", "autofocus": True, "class": "num factor-code"}
        ),
        error_messages={
            "required": "请填写验证器上的 6 位动态码",
            "max_length": "动态码是 6 位数字，恢复码是 12 位，请检查",
        },
    )


@login_not_required
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """The second question at login, after the password."""
    waiting = proofs.awaited(request)
    if waiting is None:
        return _too_late(request)
    if not factors.has_factor(waiting.user):
        return redirect_to(request, reverse("admin:factor-enrol"))
    form = FactorForm(request.POST if request.method == "POST" else None)
    by = _prove(request, form, waiting.user)
    if not by:
        over_page = wants_part(request)
        if over_page:
            form.auto_id = visit.OVER_PAGE_ID
        return _page(
            request,
            FACTOR_PART if over_page else "admin/portal/factor/ask.html",
            form,
            over_page=over_page,
            title="验证身份",
            user_name=waiting.user.username,
            **_passkey_context(request, waiting.user),
        )
    proofs.enter(request, waiting, by=by)
    _warn_of_few(request, waiting.user, by)
    return redirect(waiting.then)


def _prove(request: HttpRequest, form: FactorForm, user: User) -> str:
    """With what the form proves the user; a refusal is written into the form."""
    credential = request.POST.get("credential", "")
    if credential:
        return _prove_by_passkey(request, form, user, credential)
    if not form.is_bound or not form.is_valid():
        return ""
    try:
        return factors.prove(
            user=user, code=form.cleaned_data["code"], origin=visitor.origin(request)
        )
    except visitor.REFUSALS as problem:
        visitor.refuse(form, problem)
        return ""


def _prove_by_passkey(request: HttpRequest, form: FactorForm, user: User, credential: str) -> str:
    form.full_clean()
    form.errors.clear()  # no code is asked of whoever gives a passkey
    try:
        passkeys.prove(
            user=user,
            credential=credential,
            challenge=proofs.challenged_with(request, aim="factor"),
            origin=visitor.origin(request),
        )
    except visitor.REFUSALS as problem:
        visitor.refuse(form, problem)
        return ""
    return passkeys.BY_PASSKEY


def _passkey_context(request: HttpRequest, user: User) -> dict[str, str]:
    """The options with which a page offers the passkeys of somebody who has any."""
    if not user.passkeys.exists():
        return {}
    options, challenge = passkeys.request_options(user)
    proofs.challenge_with(request, challenge, aim="factor")
    return {"options": options}


def _warn_of_few(request: HttpRequest, user: User, by: str) -> None:
    left = factors.recovery_codes_left(user)
    if by == factors.BY_PAPER:
        what = "如果验证器已丢失，请在“双重验证”里更换"
        messages.warning(request, f"你用掉了一个恢复码，还剩 {left} 个。{what}。")
    elif left < FEW_CODES:
        messages.warning(request, f"恢复码只剩 {left} 个，请在“双重验证”里重新生成。")


@login_not_required
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """Bind an authenticator: at the first login, or another one instead of a lost device."""
    waiting = proofs.awaited(request)
    user = waiting.user if waiting else request.user
    if not isinstance(user, User) or not user.is_staff_member:
        return _too_late(request)
    if waiting and factors.has_factor(user):
        return redirect("admin:factor-login")
    key = proofs.key_in_hand(request, user)
    if key is None:
        key = factors.new_key()
        proofs.take_in_hand(request, user, key)
    form = FactorForm(request.POST if request.method == "POST" else None)
    codes = _enrol(request, form, user, key)
    if not codes:
        width, path = factors.qr_path(user, key)
        about = {"width": width, "path": path, "key": factors.key_words(key)}
        return _page(
            request,
            "admin/portal/factor/enrol.html",
            form,
            title="绑定验证器",
            is_first=bool(waiting),
            **about,
        )
    proofs.let_go(request)
    if waiting:
        proofs.enter(request, waiting, by=factors.BY_APP)
    else:
        key_here = request.session.session_key or ""
        sessions.end_all(
            user=user, why="验证器已更换", origin=visitor.origin(request), but=key_here
        )
        proofs.renew(request)
    return _show_codes(request, codes, waiting.then if waiting else reverse("admin:factor"))


def _enrol(request: HttpRequest, form: FactorForm, user: User, key: bytes) -> list[str]:
    """The new recovery codes; a refusal is written into the form."""
    if not form.is_bound or not form.is_valid():
        return []
    try:
        return factors.enrol(
            user=user, key=key, code=form.cleaned_data["code"], origin=visitor.origin(request)
        )
    except visitor.REFUSALS as problem:
        visitor.refuse(form, problem)
        return []


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """A fresh factor before an act of step_up.ACTS; then the parked form goes on as it was posted."""
    user = visit.person(request)
    word = request.POST.get(PARKED) or request.GET.get(PARKED, "")
    then = parking.where_to(user=user, word=word) or visit.wanted_page(request)
    act = act_at(then.partition("?")[0])
    if not factors.has_factor(user):
        return _bind_first(request, user)
    form = FactorForm(request.POST if request.method == "POST" else None)
    if not _prove(request, form, user):
        kept = {
            "word": word if act else "",
            "next": then if not word else "",
            **_passkey_context(request, user),
        }
        return _page(
            request, "admin/portal/factor/confirm.html", form, title="确认身份", act=act, **kept
        )
    factors.confirmed(user=user, act=act.words if act else "", origin=visitor.origin(request))
    proofs.renew(request)
    # 307: the browser posts this very form to where the parked one was going, which takes it up.
    return redirect(then or "admin:factor", preserve_request=bool(word))


def _bind_first(request: HttpRequest, user: User) -> HttpResponse:
    """Whoever has no factor to give is led to bind one: where it is needed, behind the password.

    Binding one inside the session asks for a fresh factor itself, and would lead back here.
    """
    if not proofs.needs_factor(user):
        return redirect("admin:factor-enrol")
    visitor.log_out(request)
    messages.error(request, "双重验证已被重置，请重新登录，登录时绑定新的验证器。")
    return redirect("admin:login")


@never_cache
@require_safe
def own(request: HttpRequest) -> HttpResponse:
    """双重验证: what one has, and what one can renew."""
    user = visit.person(request)
    return _page(
        request,
        "admin/portal/factor/own.html",
        title="双重验证",
        has_factor=factors.has_factor(user),
        codes_left=factors.recovery_codes_left(user),
        passkeys=user.passkeys.all(),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def add_passkey(request: HttpRequest) -> HttpResponse:
    """Bind a passkey; step_up has asked for a fresh factor before."""
    user = visit.person(request)
    if not factors.has_factor(user):
        return redirect("admin:factor-enrol")
    refused, name = "", request.POST.get("name", "")
    if request.method == "POST":
        try:
            passkeys.add(
                user=user,
                name=name,
                credential=request.POST.get("credential", ""),
                challenge=proofs.challenged_with(request, aim="add"),
                origin=visitor.origin(request),
            )
        except visitor.REFUSALS as problem:
            refused = problem.message
        else:
            messages.success(request, "通行密钥已添加，登录和确认身份时可以使用。")
            return redirect("admin:factor")
    options, challenge = passkeys.creation_options(user)
    proofs.challenge_with(request, challenge, aim="add")
    context = {
        **admin.site.each_context(request),
        **{"title": "添加通行密钥", "options": options, "named": name[:30], "refused": refused},
    }
    template = "admin/portal/factor/passkey.html"
    return render(request, template, context, status=422 if refused else 200)


@require_POST
def remove_passkey(request: HttpRequest, passkey: str) -> HttpResponse:
    """移除 one of one's own."""
    user, here = visit.person(request), visitor.origin(request)
    if passkeys.remove(user=user, public_id=passkey, origin=here):
        messages.success(request, "通行密钥已移除。")
    return redirect("admin:factor")


@never_cache
@require_POST
def new_codes(request: HttpRequest) -> HttpResponse:
    """Ten new recovery codes; the old ones are void."""
    user = visit.person(request)
    if not factors.has_factor(user):
        return redirect("admin:factor-enrol")
    codes = factors.new_recovery_codes(user=user, origin=visitor.origin(request))
    return _show_codes(request, codes, reverse("admin:factor"))


def _show_codes(request: HttpRequest, codes: list[str], then: str) -> HttpResponse:
    """The one time that recovery codes can be read."""
    return _page(
        request, "admin/portal/factor/codes.html", title="保存恢复码", codes=codes, then=then
    )


@never_cache
@sensitive_post_parameters("code")
@require_POST
def codes_file(request: HttpRequest) -> HttpResponse:
    """The codes of the page before as a text file; only codes that are this person's, and unused."""
    user, codes = (
        visit.person(request),
        request.POST.get("codes", "").split(),
    )
    if not factors.are_recovery_codes(user, codes):
        messages.error(request, "这些恢复码已经失效，请重新生成后再下载。")
        return redirect("admin:factor")
    lines = [f"宽息管理后台恢复码（{user.username}），每个只能用一次：", "", *codes, ""]
    return HttpResponse(
        "\r\n".join(lines),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="kuanxi-recovery-codes.txt"'},
    )


def _too_late(request: HttpRequest) -> HttpResponse:
    if wants_part(request):
        return redirect(login_again(request))
    messages.error(request, LATE)
    return redirect("admin:login")


def _page(
    request: HttpRequest, template: str, form: FactorForm | None = None, **more: Any
) -> HttpResponse:
    context = {**admin.site.each_context(request), "form": form, **more}
    status = 422 if form is not None and form.errors else 200
    return render(request, template, context, status=status)
