"""What somebody had typed when their session ran out: parked, and sent on after the login.

The form goes on as it was posted, once, for the same person, within half an hour. Passwords, codes and
files are not kept: the page that the form stood on asks for them again and shows the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from portal.core.accounts import parking
from portal.core.models import User

KEPT = "kept"  # the field with which the form comes back
KEEP = parking.LONGEST
MINUTES = int(KEEP.total_seconds() // 60)
GONE = f"保留的内容已经提交过，或者超过了 {MINUTES} 分钟，没有再次提交。请返回原页面核对。"
GetResponse = Callable[[HttpRequest], HttpResponseBase]


def keep(request: HttpRequest, user: User) -> str:
    """Park the form that is being posted; the address that offers it again, or nothing to keep."""
    fields = request.POST.copy() if request.method == "POST" else QueryDict(mutable=True)
    for name in [name for name in fields if _is_of_one_request(name)]:
        del fields[name]
    if not any(value.strip() for _, values in fields.lists() for value in values):
        return ""
    word = parking.park(user=user, path=request.path, fields=fields.urlencode())
    return f"{reverse('portal:kept')}?word={word}"


def _is_of_one_request(name: str) -> bool:
    return "password" in name or name in {"csrfmiddlewaretoken", "current", "code", KEPT}


class KeptFormMiddleware:
    """Puts a kept form back in its place when it comes back with its word."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        word = request.POST.get(KEPT, "")
        if not word or not isinstance(request.user, User):
            return None
        fields = parking.take_up(user=request.user, path=request.path, word=word, keep=KEEP)
        if fields is None:
            return render(request, "409.html", {"message": GONE}, status=409)
        request.POST = QueryDict(fields)
        return None
