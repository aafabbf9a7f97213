"""Acts of staff on the books: a reason, one service, and a sentence on what it did to the debt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from loans.models import Loan
from loans.pages.forms import ActReasonForm
from loans.queries.debt import load_debt
from loans.services.acts.proposals import effect
from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.kernel.roles import Rank
from portal.core.models import User


def may_act(user: User, loan: Loan) -> bool:
    """Supervisors and above; nobody on a loan of their own."""
    return user.has_rank(Rank.SUPERVISOR) and user.same_person_as_id != loan.borrower_id


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
    """A form that asks (for the reason), then calls one service; refusals are shown, not lost."""
    user = request.user
    if not isinstance(user, User) or not page.may(user):
        raise PermissionDenied
    form = page.form_class(request.POST if request.method == "POST" else None)
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
                messages.success(request, f"{page.title}：{done.sentence}")
                return HttpResponseRedirect(done.page)
    context = {
        **admin.site.each_context(request),
        "title": page.title,
        "page": page,
        "form": form,
    }
    return render(request, "admin/loans/act.html", context, status=status)


def changing(
    loan: Loan, back: str, act: Callable[[dict[str, Any], User], object]
) -> Callable[[dict[str, Any], User], Done]:
    """An act that is done at once: what it did to today's debt is said on the page it came from."""

    def run(data: dict[str, Any], actor: User) -> Done:
        before = load_debt(loan, clock.today())
        act(data, actor)
        changes = effect(before, load_debt(loan, before.as_of))
        changed = f"按今天计算：{'；'.join(changes)}（元）。" if changes else "今天的欠款没有变化。"
        return Done(f"已完成。{changed}", back)

    return run
