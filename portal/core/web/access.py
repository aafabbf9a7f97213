"""Who may open a page at all: the wrong role gets 403; whose object it is, the query decides (404)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from portal.core import clock
from portal.core.accounts.throttles import Limit, attempt, seconds_until, try_again_words
from portal.core.web.failures import failure

COSTLY = Limit(30, timedelta(minutes=10))
View = Callable[..., HttpResponseBase]


def borrower_only(view: View) -> View:
    """Only borrowers; staff get 403. Login itself is required by the middleware."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not getattr(request.user, "is_borrower", False):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


def costly(view: View) -> View:
    """A page that is much work to make: COSTLY per person, then 429 with the moment to try again.

    One count over all such pages, in real time. Inside @borrower_only: it counts who is logged in.
    """

    @wraps(view)
    def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        now = clock.real_now()
        free_at = attempt("costly", str(request.user.pk), [COSTLY], now=now)
        if free_at is None:
            return view(request, *args, **kwargs)
        message = f"下载过于频繁，{try_again_words(free_at, now=now)}。"
        too_many = HTTPStatus.TOO_MANY_REQUESTS
        response = failure(request, "429.html", status=too_many, message=message)
        response["Retry-After"] = str(seconds_until(free_at, now=now))
        return response

    return counted
