"""删除个人信息申请 at the desk: the queue of requests, and a supervisor's answer to each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse

from portal.core import clock
from portal.core.desk.reasons import ReasonForm
from portal.core.web import visitor
from relief.desk.base import staff_user
from relief.desk.records import OwnHiddenAdmin
from relief.rights import erasure
from relief.rights.models import ErasureRequest, ErasureState

APPROVE = (
    "同意后立即删除：证明材料的文件和文件名、情况说明、收支、申诉和对话文字，不能恢复。"
    "账务、协议、审核结果和办理记录按法律保留；借款人会收到消息。"
)
REFUSE = "借款人会读到原因和可以再次申请的日期。有借款、申请或计划没有结束时，写明是哪一项。"


class RefuseForm(ReasonForm):
    """Why not, and from when again."""

    again_on = forms.DateField(
        label="可再次申请日",
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "可再次申请日：请填写日期，例如 2027-03-11"},
    )


@admin.register(ErasureRequest)
class ErasureRequestAdmin(OwnHiddenAdmin):
    """Who asked when, until when it is to be answered, and what became of it."""

    borrower_path = "user"
    change_form_template = "admin/relief/erasure/change_form.html"
    list_display = ["asked_at", "person", "state", "due_at", "late", "answered_by"]
    list_filter = ["state"]
    list_select_related = ["user", "decided_by"]
    fields = [
        *("person", "state", "asked_at", "due_at", "answered_by", "decided_at"),
        *("reason", "again_on", "erased_at", "gone"),
    ]
    readonly_fields = ["person", "answered_by", "gone"]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/approve/",
                wrap(self.approve_view),
                name="relief_erasurerequest_approve",
            ),
            path("<int:pk>/refuse/", wrap(self.refuse_view), name="relief_erasurerequest_refuse"),
            *super().get_urls(),
        ]

    @admin.display(description="借款人")
    def person(self, row: ErasureRequest) -> str:
        return str(row.user)

    @admin.display(description="答复人")
    def answered_by(self, row: ErasureRequest) -> str:
        return row.decided_by.name if row.decided_by else ""

    @admin.display(description="超期")
    def late(self, row: ErasureRequest) -> str:
        is_late = row.state == ErasureState.PENDING and row.due_at <= clock.now()
        return "已超期" if is_late else ""

    @admin.display(description="删除的数量")
    def gone(self, row: ErasureRequest) -> str:
        words = {"files": "文件", "messages": "对话", "consents": "同意", "cases": "申请"}
        return "，".join(f"{words[name]} {count}" for name, count in row.erased.items())

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if isinstance(row, ErasureRequest):
            why_not = erasure.why_not_answer(row, staff_user(request))
            obstacle = erasure.obstacle(row.user, today=clock.today())
            waits = row.state == ErasureState.PENDING
            extra_context = {
                "may_answer": not why_not,
                "why_not": why_not if waits else "",
                "obstacle": f"{obstacle.reason}。" if waits and obstacle else "",
                **(extra_context or {}),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    def approve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """同意: the job erases it within a minute."""

        def act(values: dict[str, Any]) -> None:
            erasure.approve_erasure(
                request_id=pk,
                actor=staff_user(request),
                origin=visitor.origin(request),
                now=clock.now(),
            )
            messages.success(request, "已同意，一分钟内删除，借款人会收到消息。")

        return self._answer_page(request, pk, "同意删除", APPROVE, forms.Form, act)

    def refuse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """不同意, with a reason and a date."""

        def act(values: dict[str, Any]) -> None:
            erasure.refuse_erasure(
                request_id=pk,
                **values,
                actor=staff_user(request),
                origin=visitor.origin(request),
                now=clock.now(),
            )
            messages.success(request, "已答复，借款人会收到消息。")

        return self._answer_page(request, pk, "不同意", REFUSE, RefuseForm, act)

    def _answer_page(
        self,
        request: HttpRequest,
        pk: int,
        title: str,
        warning: str,
        form_class: type[forms.Form],
        act: Callable[[dict[str, Any]], None],
    ) -> HttpResponse:
        """A form that calls one service; refusals are shown at their field, not lost."""
        row = get_object_or_404(self.get_queryset(request), pk=pk)
        back = reverse("admin:relief_erasurerequest_change", args=[pk])
        form = form_class(request.POST if request.method == "POST" else None)
        status = 422 if form.is_bound else 200
        if form.is_valid():
            try:
                act(form.cleaned_data)
            except visitor.REFUSALS as refusal:
                visitor.refuse(form, refusal)
                status = 409
            else:
                return redirect(back)
        context = {
            **admin.site.each_context(request),
            **{"title": f"{title}：{row.user}", "warning": warning, "form": form},
            **{"button": title, "back": back},
        }
        return render(request, "admin/relief/erasure/answer.html", context, status=status)
