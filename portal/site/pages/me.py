"""我的: the borrower's name, what needs attention, and links to everything else."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from loans.queries.debt import borrower_debts
from portal.core import clock
from portal.core.calendar.days import load_calendar
from portal.core.web.access import borrower_only
from portal.site.pages.overview import overview
from portal.site.pages.visit import person
from relief.cases.queries import borrower_inbox, with_offers


@require_safe
@borrower_only
def me(request: HttpRequest) -> HttpResponse:
    """The borrower's first page."""
    user = person(request)
    debts = borrower_debts(user, clock.today())
    cases = list(with_offers(borrower_inbox(user)))
    view = overview(debts, cases, load_calendar(), clock.now())
    return render(request, "portal/me/me.html", {"view": view})


@require_safe
@borrower_only
def badges(request: HttpRequest) -> HttpResponse:
    """The number of unread notices, asked for once a minute."""
    return render(request, "portal/me/_badges.html", {"polled": True})
