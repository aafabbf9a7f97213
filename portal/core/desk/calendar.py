"""The working-day calendar at the staff desk: import of a year's notice, with a preview first."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.db.models.functions import ExtractYear
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal.core import clock
from portal.core.calendar.reach import warnings
from portal.core.calendar.year_import import (
    EXAMPLE,
    MAX_TEXT,
    YEARS,
    Plan,
    apply_notice,
    plan_notice,
)
from portal.core.errors import RuleViolation
from portal.core.fields import WholeNumberField
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank
from portal.core.models import User, WorkDay
from portal.core.web.drafting import restore, sent

TEMPLATE = "admin/portal/workday/import.html"
BAD_YEAR = f"年份请填写 {YEARS[0]} 到 {YEARS[-1]} 之间的四位数字"
PLACEHOLDER = "2027-02-05~2027-02-12 休 春节\n2027-02-13 班 春节调休"


class NoticeForm(forms.Form):
    """A year and its lines; the digest names the preview that is being confirmed."""

    year = WholeNumberField(
        label="年份",
        min_value=YEARS[0],
        max_value=YEARS[-1],
        localize=False,
        error_messages={
            name: BAD_YEAR for name in ("required", "invalid", "min_value", "max_value")
        },
    )
    text = forms.CharField(
        label="放假和调休安排",
        max_length=MAX_TEXT,
        widget=forms.Textarea(
            {"rows": 14, "cols": 60, "spellcheck": "false", "placeholder": PLACEHOLDER}
        ),
        help_text="每行一天或一段：日期、休或班、名称；没有列出的日子按周一至周五上班",
        error_messages={
            "required": f"请逐行粘贴放假和调休上班的日期，{EXAMPLE}",
            "max_length": f"内容太长，最多 {MAX_TEXT} 个字，请只粘贴一年的安排",
        },
    )
    digest = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)


@require_http_methods(["GET", "HEAD", "POST"])
def import_notice(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Paste, preview, confirm; only supervisors and managers."""
    user = request.user
    if not isinstance(user, User) or not user.has_rank(Rank.SUPERVISOR):
        raise PermissionDenied
    initial = {"year": clock.today().year + 1}
    form = NoticeForm(request.POST or None, initial=initial)
    draft = None if form.is_bound else restore(request, form)
    plan: Plan | None = None
    if request.method == "POST" and form.is_valid():
        try:
            plan = plan_notice(year=form.cleaned_data["year"], text=form.cleaned_data["text"])
            if "confirm" in request.POST:
                return _confirmed(request, user, form.cleaned_data)
        except InvalidInput as wrong:
            form.add_error(wrong.field, wrong.message)
        except RuleViolation as refusal:
            form.add_error(None, refusal.message)
    context = {**site.each_context(request), "title": "导入工作日历"}
    context |= {"form": form, "plan": plan, "draft": draft}
    status = 422 if form.errors else 200
    return render(request, TEMPLATE, context, status=status)


def _confirmed(request: HttpRequest, user: User, values: dict[str, Any]) -> HttpResponse:
    """Apply what was shown, note it in the admin's log, and go back to the list."""
    year = values["year"]
    changed = apply_notice(year=year, text=values["text"], digest=values["digest"], actor=user)
    LogEntry.objects.log_actions(
        user_id=user.pk,
        queryset=WorkDay.objects.filter(date__year=year).order_by("date")[:1],
        action_flag=CHANGE,
        change_message=f"导入 {year} 年安排，{changed} 天有变化",
    )
    sent(request)
    messages.success(
        request, f"{year} 年的工作日历已导入，{changed} 天有变化；已经算好的期限不变。"
    )
    return redirect("admin:portal_workday_changelist")


def list_context(request: HttpRequest) -> dict[str, Any]:
    """What the list of days says above it: years with their source, and what is missing."""
    provisional = Count("pk", filter=Q(source=WorkDay.Source.PROVISIONAL))
    by_year = WorkDay.objects.annotate(year=ExtractYear("date")).values("year").order_by("year")
    user = request.user
    return {
        "calendar_years": list(by_year.annotate(days=Count("pk"), provisional=provisional)),
        "calendar_warnings": [sentence for _, sentence in warnings(clock.today())],
        "may_import": isinstance(user, User) and user.has_rank(Rank.SUPERVISOR),
    }


def board(request: HttpRequest) -> dict[str, Any]:
    """For the desk's front page: sentences about the calendar, none when all is well."""
    return {"calendar_warnings": [sentence for _, sentence in warnings(clock.today())]}
