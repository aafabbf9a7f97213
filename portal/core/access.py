"""Who may open a page at all: the wrong role gets 403; whose object it is, the query decides (404)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

View = Callable[..., HttpResponseBase]


def borrower_only(view: View) -> View:
    """Only borrowers; staff get 403. Login itself is required by the middleware."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not getattr(request.user, "is_borrower", False):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded
