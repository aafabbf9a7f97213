"""Acts of staff on the books: a reason, one service, and a sentence on what it did to the debt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from loans.models import Loan
from loans.pages.forms import ActReasonForm
from loans.queries.debt import load_debt
from loans.queries.types import Debt
from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.kernel.roles import Rank
from portal.core.models import User


def may_act(user: User, loan: Loan) -> bool:
    """Supervisors and above; nobody on a loan of their own."""
    return user.has_rank(Rank.SUPERVISOR) and user.same_person_as_id != loan.borrower_id


def split_words(split: dict[str, Any]) -> str:
    """第 1 期罚息 64.24，第 1 期利息 54.00 …"""
    return "，".join(
        (f"第 {line['instalment']} 期" if line["instalment"] else "提前还")
        + f"{line['label']} {line['amount']}"
        for line in split["lines"]
    )


def act_page(
    request: HttpRequest,
    *,
    title: str,
    warning: str,
    loan: Loan,
    back: str,
    act: Callable[[dict[str, Any], User], Any],
    form_class: type[Form] = ActReasonForm,
) -> HttpResponse:
    """A form that asks (for the reason), then calls one service; refusals are shown, not lost."""
    user = request.user
    if not isinstance(user, User) or not may_act(user, loan):
        raise PermissionDenied
    form = form_class(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            before = load_debt(loan, clock.today())
            try:
                act(form.cleaned_data, user)
            except RuleViolation as refusal:
                form.add_error(None, refusal.message)
                status = 409
            else:
                messages.success(request, f"{title}：已完成。{_changed(loan, before)}")
                return HttpResponseRedirect(back)
    context = {
        **admin.site.each_context(request),
        "title": title,
        "warning": warning,
        "form": form,
        "back": back,
    }
    return render(request, "admin/loans/act.html", context, status=status)


def _changed(loan: Loan, before: Debt) -> str:
    """What the act did to today's debt, in one sentence."""
    after = load_debt(loan, before.as_of)
    rows = (
        ("总待还", before.total, after.total),
        ("本期应还", before.due_now, after.due_now),
        ("罚息", before.penalty, after.penalty),
    )
    changes = [f"{name} {old:,.2f} → {new:,.2f}" for name, old, new in rows if old != new]
    return f"按今天计算：{'；'.join(changes)}（元）。" if changes else "今天的欠款没有变化。"
