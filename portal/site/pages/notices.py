"""消息: what was said to somebody, whether its message arrived, and the page that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from portal.core import clock
from portal.core.kernel.businesstime import business_date
from portal.core.models import Delivery, Notice
from portal.core.notifications.inbox import counts_by_category, inbox, read_all_notices, read_notice
from portal.core.web.access import borrower_only
from portal.core.web.htmx import render_part, say
from portal.site.pages.visit import LOCAL_PATH, person

PER_PAGE = 20
LOOKS = {"relief": ("scale", ""), "repayment": ("bell", ""), "system": ("info", "")}
EVENT_LOOKS = {  # icon and tone (g good, w wanted, d bad) by event; the rest by category
    "case_submitted": ("file-text", ""),
    "review_passed": ("shield", "g"),
    "proof_received": ("upload", "g"),
    "proof_asked": ("warn", "w"),
    "proof_reminder": ("warn", "w"),
    "offer_reminder": ("clock", "w"),
    "case_rejected": ("close", "d"),
    "case_expired": ("clock", "w"),
    "review_delayed": ("clock", "w"),
    "promise_delayed": ("clock", "w"),
    "agreement_made": ("check", "g"),
    "agreement_revoked": ("alert", "d"),
    "plan_soon": ("bell", "w"),
    "plan_today": ("bell", "w"),
    "plan_late": ("bell", "d"),
    "plan_warned": ("bell", "d"),
    "plan_breached": ("alert", "d"),
    "plan_cured": ("check", "g"),
    "plan_completed": ("medal", "g"),
    "case_settled": ("medal", "g"),
}


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One notice as the list shows it."""

    notice: Notice
    icon: str
    tone: str
    is_unread: bool
    is_today: bool
    deliveries: tuple[Delivery, ...]


@require_safe
@borrower_only
def notices(request: HttpRequest) -> HttpResponse:
    """The list, by category and page."""
    category = request.GET.get("kind", "")
    return _inbox(request, category if category in Notice.Category.values else "")


@require_safe
@borrower_only
def open_notice(request: HttpRequest, notice: str) -> HttpResponse:
    """Mark as read and go where it leads; one that leads nowhere is shown by itself."""
    visitor_notice = read_one(request, notice)
    notice_url = reverse("portal:notice", args=[visitor_notice.public_id])
    if (
        LOCAL_PATH.fullmatch(visitor_notice.link)
        and visitor_notice.link != notice_url
        and "stay" not in request.GET
    ):
        return redirect(visitor_notice.link)
    return render(
        request, "portal/notices/notice.html", {"row": _row(visitor_notice, clock.today())}
    )


@require_POST
@borrower_only
def read_all(request: HttpRequest) -> HttpResponse:
    """全部已读."""
    read_all_notices(user=person(request), now=clock.now())
    if not getattr(request, "htmx", False):
        return redirect("portal:notices")
    return say(_inbox(request, ""), "已全部标为已读。")


def desk_inbox(request: HttpRequest) -> dict[str, Any]:
    """One's own notices for the desk's page: `page` of rows, and whether only unread are shown."""
    only_unread = "unread" in request.GET
    notices = inbox(person(request))
    notices = notices.unread() if only_unread else notices
    page = Paginator(notices, PER_PAGE).get_page(request.GET.get("p"))
    rows = [_row(notice, clock.today()) for notice in page]
    return {"page": page, "rows": rows, "only_unread": only_unread}


def read_one(request: HttpRequest, notice: str) -> Notice:
    """One's own notice, read from now on; 404 for anybody else's."""
    visitor_notice = get_object_or_404(inbox(person(request)), public_id=notice)
    read_notice(notice=visitor_notice, now=clock.now())
    return visitor_notice


def _inbox(request: HttpRequest, category: str) -> HttpResponse:
    counts = counts_by_category(person(request))
    page = Paginator(inbox(person(request), category), PER_PAGE).get_page(request.GET.get("page"))
    rows = [_row(notice, clock.today()) for notice in page]
    kinds = [(kind.value, kind.label, counts.get(kind.value, 0)) for kind in Notice.Category]
    context = {
        "page": page,
        "category": category,
        "chips": [("", "全部", 0), *kinds],
        "fresh": [row for row in rows if row.is_unread or row.is_today],
        "earlier": [row for row in rows if not (row.is_unread or row.is_today)],
    }
    return render_part(
        request,
        page="portal/notices/notices.html",
        part="portal/notices/_inbox.html",
        context=context,
    )


def _row(notice: Notice, today: date) -> NoticeRow:
    icon, tone = EVENT_LOOKS.get(notice.event, LOOKS.get(notice.category, ("info", "")))
    return NoticeRow(
        notice=notice,
        icon=icon,
        tone=tone,
        is_unread=notice.read_at is None,
        is_today=business_date(notice.created_at) == today,
        deliveries=tuple(notice.deliveries.all()),
    )
