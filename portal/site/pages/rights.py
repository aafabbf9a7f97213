"""What somebody may ask for about their own data: 导出我的数据, 删除我的个人信息."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from portal.core import clock
from portal.core.kernel.businesstime import in_shanghai
from portal.core.web import visitor
from portal.core.web.access import borrower_only
from portal.core.web.htmx import redirect_to, render_part
from portal.site.pages import visit
from portal.site.pages.signing_in.forms import PasswordForm
from relief.evidence.kinds import size_text
from relief.rights import erasure, exports
from relief.rights.models import DataExport, ErasureRequest


@borrower_only
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest) -> HttpResponse:
    """How the last copy stands, which the page asks again while it is made; POST begins one."""
    if request.method != "POST":
        return _export_page(request, PasswordForm())
    form = PasswordForm(request.POST)
    if not form.is_valid() or not visit.is_right_password(request, form):
        return _export_page(request, form, status=422)
    now, real = clock.now(), clock.real_now()
    user, origin = visit.person(request), visitor.origin(request)
    try:
        exports.ask_for_export(user=user, origin=origin, now=now, real=real)
    except visitor.REFUSALS as problem:
        visitor.refuse(form, problem)
        return _export_page(request, form, status=409)
    messages.success(request, "已开始生成，完成后会用短信和消息告诉你，可以离开这一页。")
    return redirect_to(request, reverse("portal:export"))


@borrower_only
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def export_file(request: HttpRequest, export: str) -> HttpResponseBase:
    """The copy itself, after the password; whoever follows the address comes to the page."""
    rows = DataExport.objects.for_user(visit.person(request))
    own_export = get_object_or_404(rows, public_id=export)
    if request.method != "POST":
        return redirect("portal:export")
    form = PasswordForm(request.POST)
    if not form.is_valid() or not visit.is_right_password(request, form):
        return _export_page(request, form, status=422)
    try:
        stream = exports.download(
            export=own_export,
            origin=visitor.origin(request),
            now=clock.now(),
            real=clock.real_now(),
        )
    except visitor.REFUSALS as problem:
        visitor.refuse(form, problem)
        return _export_page(request, form, status=409)
    return FileResponse(
        stream,
        as_attachment=True,
        filename=own_export.file_name,
        content_type="application/zip",
        headers={"Content-Length": str(own_export.size), "X-Content-Type-Options": "nosniff"},
    )


def _export_page(request: HttpRequest, form: PasswordForm, status: int = 200) -> HttpResponse:
    latest = DataExport.objects.for_user(visit.person(request)).first()
    context = {
        "form": form,
        "export": latest,
        "is_there": latest is not None and latest.can_be_taken(clock.real_now()),
        "size": size_text(latest.size) if latest else "",
        "most": exports.EXPORTS_A_DAY,
    }
    return render_part(
        request,
        page="portal/account/export.html",
        part="portal/account/_export.html",
        context=context,
        status=status,
    )


@borrower_only
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest) -> HttpResponse:
    """What would go and what stays until when, or why not now; POST asks for it."""
    if request.method != "POST":
        return _erasure_page(request, PasswordForm())
    form = PasswordForm(request.POST)
    if not form.is_valid() or not visit.is_right_password(request, form):
        return _erasure_page(request, form, status=422)
    user, origin = visit.person(request), visitor.origin(request)
    try:
        asked = erasure.ask_for_erasure(user=user, origin=origin, now=clock.now())
    except visitor.REFUSALS as problem:
        visitor.refuse(form, problem)
        return _erasure_page(request, form, status=409)
    day = in_shanghai(asked.due_at)
    messages.success(request, f"已提交，我们会在 {day.month}月{day.day}日 前答复。")
    return redirect_to(request, reverse("portal:erasure"))


@require_POST
@borrower_only
def keep(request: HttpRequest) -> HttpResponse:
    """撤回 a request that nobody has answered."""
    user, origin = visit.person(request), visitor.origin(request)
    if erasure.withdraw_erasure(user=user, origin=origin, now=clock.now()):
        messages.success(request, "删除申请已撤回，你的信息没有变化。")
    else:
        messages.error(request, "没有等待答复的删除申请，不能撤回。")
    return redirect_to(request, reverse("portal:erasure"))


def _erasure_page(request: HttpRequest, form: PasswordForm, status: int = 200) -> HttpResponse:
    user, today = visit.person(request), clock.today()
    obstacle = erasure.obstacle(user, today=today)
    context = {
        "form": form,
        "latest": ErasureRequest.objects.for_user(user).first(),
        "why_not": erasure.refusal_words(obstacle.reason, obstacle.again_on) if obstacle else "",
        "goes": erasure.what_goes(user),
        "stays": erasure.what_stays(user, today=today),
    }
    page = "portal/account/erasure.html"
    return render_part(request, page=page, part=page, context=context, status=status)
