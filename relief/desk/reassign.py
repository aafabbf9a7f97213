"""转交 several cases at once: what was ticked in the queue, one colleague, a line in the trail of each."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.kernel.roles import Rank
from portal.core.web.drafting import keeps_draft, restore, sent
from relief.cases import review
from relief.cases.gate import Actor, why_not
from relief.cases.models import Case
from relief.cases.permissions import Task
from relief.desk.base import desk_context, require_rank
from relief.desk.forms import AssignForm
from relief.desk.queue import PER_PAGE, QueueQuery


class ReassignForm(AssignForm):
    """To whom; auditors only read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["to"]
        field.queryset = field.queryset.exclude(rank=Rank.AUDITOR)


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_draft
def reassign_view(request: HttpRequest) -> HttpResponse:
    """The ticked cases with what refuses each, then one act of its own for every case."""
    actor, now = require_rank(request), clock.now()
    asked = request.POST if request.method == "POST" else request.GET
    back = reverse("admin:relief_case_changelist") + _back(asked.get("back", ""))
    ticked = [pk for pk in asked.getlist("cases") if pk.isascii() and pk.isdigit() and len(pk) < 19]
    cases = Case.objects.visible_to(actor).for_lists().filter(pk__in=ticked[:PER_PAGE])
    shown = list(cases.order_by("number"))
    if not shown:
        messages.info(
            request, "还没有勾选申请：请在工作队列勾选要转交的申请，再按“转交勾选的申请”。"
        )
        return redirect(back)
    form = ReassignForm(request.POST if request.method == "POST" else None)
    draft = None if form.is_bound else restore(request, form)
    if not form.is_valid():
        rows = [(case, why_not(Task.ASSIGN, case, Actor.of(actor), now)) for case in shown]
        context = {
            "rows": rows,
            "form": form,
            "back": back,
            "draft": draft,
            "query": asked.get("back", ""),
        }
        full = desk_context(request, title="转交申请", **context)
        status = 422 if form.errors else 200
        return render(request, "admin/relief/case/reassign.html", full, status=status)
    colleague, note = form.cleaned_data["to"], form.cleaned_data["note"]
    sent(request)
    done = 0
    for case in shown:
        if case.assigned_to_id == colleague.pk:
            messages.info(request, f"{case.number} 已经由{colleague.name}处理，没有变化。")
            continue
        try:
            review.assign_case(case=case, to=colleague, actor=actor, now=now, note=note)
        except RuleViolation as refusal:
            messages.warning(request, f"{case.number} 没有转交：{refusal.message}")
        else:
            done += 1
    if done:
        messages.success(request, f"已把 {done} 件申请转交给{colleague.name}。")
    return redirect(back)


def _back(query: str) -> str:
    """The queue as it was left; what it does not know is not taken back to it."""
    asked = QueueQuery.of(QueryDict(query.removeprefix("?")))
    return asked.address(p=asked.p)
