"""The first password of a new account of staff, set by whoever has the code that two managers gave."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.core.accounts import staff
from portal.core.web import visitor
from portal.site.pages.signing_in.forms import password_field


class SetupForm(forms.Form):
    """设置密码, typed twice: there is no code by SMS to fall back on."""

    username = forms.CharField(
        label="用户名", max_length=150, error_messages={"required": "请填写用户名"}
    )
    code = forms.CharField(
        label="设置码",
        max_length=100,
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": "请填写经理给你的设置码"},
    )
    password = password_field("新密码", new=True)
    again = password_field("再输入一次", new=True)

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if values.get("password") and values.get("again") not in (None, values["password"]):
            self.add_error("again", "两次输入的密码不一样，请重新输入")
        return values


@login_not_required
@never_cache
@sensitive_post_parameters("code", "password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest) -> HttpResponse:
    """Set the password, then log in as always: the code by itself opens nothing."""
    form = SetupForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        values = form.cleaned_data
        try:
            user = staff.who_sets_up(username=values["username"], code=values["code"])
            staff.set_up(user=user, password=values["password"], origin=visitor.origin(request))
        except visitor.REFUSALS as problem:
            visitor.refuse(form, problem)
        else:
            messages.success(request, "密码已设置，请登录。")
            return redirect("admin:login")
    context = {**admin.site.each_context(request), "title": "设置密码", "form": form}
    status = 422 if form.errors else 200
    return render(request, "admin/portal/staff/setup.html", context, status=status)
