"""The desk's page of one call: script, number while there is a call to make, and what came of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render

from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.fields import WholeNumberField
from portal.core.kernel.phones import mask_phone
from portal.core.kernel.roles import Rank
from portal.core.models import PhoneTask, User
from portal.core.models.phone import CallOutcome
from portal.core.notifications import calls


class CallForm(forms.Form):
    """What came of a call."""

    outcome = forms.ChoiceField(
        choices=CallOutcome.choices,
        error_messages={"required": "请选择通话结果", "invalid_choice": "请选择通话结果"},
    )
    after = WholeNumberField(required=False, widget=forms.HiddenInput)
    note = forms.CharField(
        label="备注",
        required=False,
        max_length=200,
        error_messages={"max_length": "备注最多 200 字，请缩短"},
    )


def title_of(task: PhoneTask) -> str:
    """What the call is about."""
    return task.delivery.notice.title if task.delivery.notice else f"电话任务 {task.pk}"


def call_page(
    request: HttpRequest,
    task: PhoneTask,
    frame: dict[str, Any],
    form: CallForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page; only somebody who may call now sees the whole number."""
    user, why_not = request.user, ""
    may_call = isinstance(user, User) and user.has_rank(Rank.REVIEWER) and not task.done_at
    try:
        calls.check_may_call(task=task, now=clock.now())
    except RuleViolation as refusal:
        why_not = refusal.message
    person = task.delivery.user
    context = {
        **frame,
        "title": title_of(task),
        "task": task,
        "person": person.masked_name if person else "",
        "number": task.delivery.to if may_call else mask_phone(task.delivery.to),
        "may_call": may_call,
        "why_not": "" if task.done_at else why_not,
        "form": form or CallForm(initial={"after": task.attempts}),
        "outcomes": CallOutcome.choices,
        "calls": task.calls.select_related("by"),
    }
    return render(request, "admin/portal/phone_task.html", context, status=status)


def record_call(request: HttpRequest, pk: int, frame: dict[str, Any]) -> HttpResponse:
    """Record one call that was made; a refusal keeps the note."""
    user = request.user
    if not isinstance(user, User) or not user.has_rank(Rank.REVIEWER):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    task, form, status = get_object_or_404(PhoneTask, pk=pk), CallForm(request.POST), 422
    if form.is_valid():
        outcome, note = form.cleaned_data["outcome"], form.cleaned_data["note"]
        try:
            calls.record_call(
                task_id=pk,
                outcome=outcome,
                note=note,
                after=form.cleaned_data["after"],
                actor=user,
                now=clock.now(),
            )
        except RuleViolation as refusal:
            status = 409
            form.add_error(None, refusal.message)
        else:
            messages.success(request, f"已登记：{CallOutcome(outcome).label}")
            return redirect("admin:portal_phonetask_changelist")
    return call_page(request, task, frame, form, status)
