"""One view for a whole page and for the part that HTMX swaps."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event
from django_htmx.middleware import HtmxDetails


def wants_part(request: HttpRequest) -> bool:
    """Whether HTMX asked for a fragment: not a boosted link, not a restored history entry."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request  # type: ignore[union-attr]  # bool() has ruled out None


def render_part(
    request: HttpRequest,
    *,
    page: str,
    part: str,
    context: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    """Template `part` for HTMX, `page` otherwise; the two are told apart by `Vary: HX-Request`."""
    template = part if wants_part(request) else page
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def redirect_to(request: HttpRequest, url: str) -> HttpResponse:
    """Leave the page for `url`: HX-Redirect inside HTMX, 302 otherwise."""
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(url)
    return HttpResponseRedirect(url)


def say(response: HttpResponse, words: str, *, shown: bool = False) -> HttpResponse:
    """Have a fragment's result heard in the page's one live region; `shown`: on screen as well.

    What the fragment itself shows as its result is marked `data-say` there instead (app.js).
    """
    event = "toast" if shown else "announce"
    return trigger_client_event(response, event, {"message": words})


def trigger(response: HttpResponse, event: str) -> HttpResponse:
    """Let other cards of the page hear `event`, for example `case-changed`."""
    return trigger_client_event(response, event)
