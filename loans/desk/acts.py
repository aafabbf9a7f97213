"""The form of an act of staff on the books: who may, what it asks for, one service, its refusals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from loans.pages.forms import ActReasonForm
from portal.core.errors import RuleViolation
from portal.core.models import User
from portal.core.web.drafting import restore, sent


def split_words(split: dict[str, Any]) -> str:
    """第 1 期罚息 64.24，第 1 期利息 54.00 …"""
    words = [
        (f"第 {line['instalment']} 期" if line["instalment"] else "提前还")
        + f"{line['label']} {line['amount']}"
        for line in split["lines"]
    ]
    credit = split.get("credit", "0.00")
    return "，".join(words if credit == "0.00" else [*words, f"溢缴款 {credit}"])


@dataclass(frozen=True, slots=True)
class Done:
    """What to say after an act, and the page to go on with."""

    sentence: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActPage:
    """A form of one act: its words, who may use it, where it leads back to, what it shows besides."""

    title: str
    warning: str
    back: str
    may: Callable[[User], bool]
    form_class: type[Form] = ActReasonForm
    button: str = "确认"
    facts: Sequence[tuple[str, str]] = ()


def act_page(
    request: HttpRequest, page: ActPage, act: Callable[[dict[str, Any], User], Done]
) -> HttpResponse:
    """A form that asks (for the reason), then calls one service; refusals are shown, not lost.

    A view whose form asks for the reason keeps drafts (`keeps_draft`).
    """
    user = request.user
    if not isinstance(user, User) or not page.may(user):
        raise PermissionDenied
    form = page.form_class(request.POST if request.method == "POST" else None)
    draft = None if form.is_bound else restore(request, form)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                done = act(form.cleaned_data, user)
            except RuleViolation as refusal:
                form.add_error(
                    refusal.field if refusal.field in form.fields else None, refusal.message
                )
                status = 409
            else:
                sent(request)
                messages.success(request, f"{page.title}：{done.sentence}")
                return HttpResponseRedirect(done.page)
    context = {
        **admin.site.each_context(request),
        **{"title": page.title, "warning": page.warning, "facts": page.facts, "form": form},
        **{"button": page.button, "back": page.back, "draft": draft},
        "here": request.path if "reason" in form.fields else "",
        "section": "账务操作复核",
        "section_url": reverse("admin:loans_proposal_changelist"),
    }
    return render(request, "admin/act.html", context, status=status)
