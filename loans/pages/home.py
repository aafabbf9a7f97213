"""借呗: what is owed now, and every loan."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET

from loans.pages._common import borrower
from loans.presenters.home import home_view
from loans.presenters.relief_status import latest_of
from loans.queries.debt import borrower_debts
from portal.core import clock
from portal.core.web.access import borrower_only


@require_GET
@borrower_only
def home(request: HttpRequest) -> HttpResponse:
    """The most urgent loan in front, the others below; an empty state without any."""
    today = clock.today()
    pairs = borrower_debts(borrower(request), today)
    view = home_view(pairs, today)
    latest = latest_of(view.focus.loan) if view.focus else None
    context = {
        "view": view,
        "latest": latest,
        "standing": latest if latest and latest.is_current else None,
        "sample_url": _sample_url(),
    }
    return render(request, "loans/home/home.html", context)


def _sample_url() -> str:
    """Where the demo gives a sample loan; nothing outside the demo."""
    try:
        return reverse("portal:demo-sample-loan") if settings.DEMO else ""
    except NoReverseMatch:
        return ""
