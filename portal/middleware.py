"""Per request: one frozen business instant, login everywhere, private pages, a net under rules."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib.auth import middleware as auth_middleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.html import format_html
from django_htmx.http import HttpResponseClientRedirect

from portal import clock
from portal.errors import RuleViolation
from portal.kernel.errors import InvalidInput

logger = logging.getLogger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class ClockMiddleware:
    """Every part of one request sees the same business instant."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with clock.frozen():
            return self.get_response(request)


class LoginRequiredMiddleware(auth_middleware.LoginRequiredMiddleware):
    """Login everywhere but at @login_not_required; inside HTMX the whole page goes to login."""

    def handle_no_permission(self, request: HttpRequest, view_func: Callable) -> Any:
        match = request.resolver_match
        desk = match is not None and "admin" in match.app_names
        login = reverse("admin:login") if desk else resolve_url(self.get_login_url(view_func))
        if not getattr(request, "htmx", False):
            return redirect_to_login(request.get_full_path(), login)
        # A fragment's own address is no page: come back to the page that asked for it.
        page = urlsplit(request.headers.get("HX-Current-URL", ""))
        back = page.path + (f"?{page.query}" if page.query else "")
        return HttpResponseClientRedirect(f"{login}?{urlencode({'next': back or '/'})}")


class PlainQueryMiddleware:
    """No address of ours carries a NUL sign; PostgreSQL would refuse it with an error of its own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", "") or "\x00" in request.path:
            raise BadRequest("NUL in the address")
        return self.get_response(request)


class PrivatePagesMiddleware:
    """Pages of somebody logged in are kept by no cache, theirs or a shared one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.user.is_authenticated:
            if "public" in response.get("Cache-Control", ""):
                del response["Cache-Control"]
            patch_cache_control(response, no_store=True, private=True)
        return response


class RuleViolationMiddleware:
    """Safety net: a refusal that no view has answered becomes a 409 page, never a 500."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, RuleViolation | InvalidInput):
            return None
        view = request.resolver_match.view_name if request.resolver_match else ""
        kind = type(exception).__name__
        logger.warning("rule.unanswered", extra={"view": view, "kind": kind})
        status = 409 if isinstance(exception, RuleViolation) else 422
        if getattr(request, "htmx", False) and not request.htmx.boosted:  # type: ignore[attr-defined]  # set by HtmxMiddleware
            text = format_html('<p class="refusal" role="alert">{}</p>', exception.message)
            return HttpResponse(text, status=status)
        return render(request, "409.html", {"message": exception.message}, status=status)
