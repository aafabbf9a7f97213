"""Error pages: what happened, whether it was saved, what to do next; never a trace."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render

from portal.site.middleware import refusal

TOO_MANY = (
    f"一次最多提交 {settings.DATA_UPLOAD_MAX_NUMBER_FILES} 个文件，什么都没有保存。请分几次上传。"
)
UNREADABLE = (
    "这次提交的文件没有传完整，读不出来，什么都没有保存。请回到上一页重新选择文件，一个一个上传。"
)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A form that was not read to its end gets the sentence that says what to do about its files."""
    if isinstance(exception, TooManyFilesSent):
        return refusal(request, TOO_MANY, status=413)
    if isinstance(exception, MultiPartParserError):
        return refusal(request, UNREADABLE, status=422)
    return render(request, "400.html", status=400)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    return render(request, "500.html", status=500)
