"""The demo's console: log in as one of the cast, move the clock, read the phone, reset."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.kernel.businesstime import in_shanghai
from portal.core.models import User
from portal.core.web import visitor
from portal.site.demo import cast, machinery, phone, timing
from portal.site.demo.access import demo_only
from portal.site.demo.opening import open_demo
from portal.site.demo.sample import KINDS, open_sample_loan
from portal.site.pages import visit

MOST_LINES = 8  # of a report


@demo_only
@require_safe
def console(request: HttpRequest) -> HttpResponse:
    """Everything on one page."""
    return _page(request)


@demo_only
@require_safe
def show_phone(request: HttpRequest) -> HttpResponse:
    """The phone alone, for HTMX; 204 when it still shows what was seen."""
    shown = phone.look(request.GET.get("to", ""))
    if request.GET.get("seen") == shown.seen:
        return HttpResponse(status=204)
    return render(request, "portal/demo/_demo_screen.html", {"phone": shown})


@demo_only
@require_safe
def show_tasks(request: HttpRequest) -> HttpResponse:
    """The background tasks alone, for HTMX."""
    return render(
        request, "portal/demo/_demo_tasks.html", {"machinery": machinery.look(clock.now())}
    )


@demo_only
@require_POST
def log_in(request: HttpRequest) -> HttpResponse:
    """Become a member of the cast with one click."""
    member = cast.member_of(request.POST.get("phone", ""))
    if member is None:
        raise Http404
    user = get_object_or_404(User, username=member.account, is_demo=True, is_active=True)
    return redirect(visit.enter(request, user, by="演示一键登录"))


@demo_only
@require_POST
def move_clock(request: HttpRequest) -> HttpResponse:
    """Forward by a button or to a date; then says what fell due."""
    try:
        now = clock.now()
        target = timing.target_of(request.POST.get("to", ""), request.POST.get("date", ""), now)
        due = timing.jump(target)
    except visitor.REFUSALS as refused:
        return _page(request, refusal=refused.message, date=request.POST.get("date", ""))
    messages.success(request, _report(due))
    return redirect("portal:demo")


def _report(due: list[timing.Fallen]) -> str:
    """One sentence: where the clock is and what fell due."""
    clock_words = f"演示时间已到 {in_shanghai(clock.now()):%Y-%m-%d %H:%M}"
    if not due:
        return f"{clock_words}，途中没有期限到期"
    lines = [
        f"{one.label}（{one.who} {one.number}，{'已处理' if one.done else '正在处理'}）"
        for one in due[:MOST_LINES]
    ]
    rest_words = f"；还有 {len(due) - MOST_LINES} 项" if len(due) > MOST_LINES else ""
    return f"{clock_words}，到期 {len(due)} 项：{'；'.join(lines)}{rest_words}"


@demo_only
@require_POST
def sample_loan(request: HttpRequest) -> HttpResponse:
    """A loan to try things on, for the borrower logged in, else for the newcomer."""
    is_borrower = isinstance(request.user, User) and request.user.is_borrower
    who = (
        request.user
        if is_borrower
        else get_object_or_404(User, username=cast.NEWCOMER, is_demo=True)
    )
    try:
        loan = open_sample_loan(
            borrower=who,  # type: ignore[arg-type]  # the service refuses nobody and staff
            kind=request.POST.get("kind", "overdue"),
            now=clock.now(),
        )
    except RuleViolation as refused:
        messages.warning(request, refused.message)
        return redirect("portal:demo")
    messages.success(request, f"示例借款 {loan.number} 已放到 {who} 名下")
    return redirect("loans:home" if is_borrower else "portal:demo")


@demo_only
@require_POST
def reset(request: HttpRequest) -> HttpResponse:
    """Wipe everything and seed anew; only when it was confirmed. Everybody is logged out."""
    if request.POST.get("sure") != "1":
        return _page(request, reset_refusal="请先勾选“我知道所有演示数据会被清空”，再重置")
    visitor.log_out(request)
    try:
        lines = open_demo(anew=True)
    except OperationalError:
        messages.error(request, "数据库正忙，没有重置，请几秒后再试")
        return redirect("portal:demo")
    except RuleViolation as refused:
        messages.error(request, refused.message)
        return redirect("portal:demo")
    moved = f"{lines[0]}。" if len(lines) > len(cast.MEMBERS) else ""
    messages.success(request, f"演示数据已重置，所有人都已退出登录。{moved}")
    return redirect("portal:demo")


def _page(request: HttpRequest, **extra: Any) -> HttpResponse:
    """The console, with a refusal (422) or without."""
    now = clock.now()
    context = {
        "borrowers": cast.BORROWERS,
        "staff": cast.STAFF,
        "cast_password": cast.PASSWORD,
        "newcomer": cast.NEWCOMER,
        "sample_kinds": KINDS.items(),
        "phone": phone.look(request.GET.get("to", "")),
        "machinery": machinery.look(now),
        "coming": timing.coming(now),
        "fallen": timing.fallen(),
        "ahead": timing.ahead(),
        # Said beside the clock, not once more over the cast.
        "said": list(messages.get_messages(request)),
        "messages": (),
        **extra,
    }
    status = 422 if "refusal" in extra or "reset_refusal" in extra else 200
    return render(request, "portal/demo/demo.html", context, status=status)
