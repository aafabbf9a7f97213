"""Error pages: what happened, whether it was saved, what to do next; never a trace."""

from __future__ import annotations

import logging
from http import HTTPStatus
from types import SimpleNamespace

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

from portal.core.publicids import new_public_id
from portal.core.web.failures import failure
from portal.site.middleware import login_again, refusal

logger = logging.getLogger(__name__)
UNREAD = "浏览器发来的请求不完整或格式不对，没有保存任何改动。请从首页重新打开需要的页面。"
UNREAD_BY_STATUS = {
    HTTPStatus.REQUEST_URI_TOO_LONG: (
        "网址太长，没有打开任何页面，也没有保存任何改动。请从首页进入需要的页面。"
    ),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "浏览器随请求发来的信息太多，没有保存任何改动。请清除本站的 Cookie，再从首页重新登录。"
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "从你的网络同时打开的连接太多，没有保存任何改动。请关掉几个页面，过一分钟再打开。"
    ),
}
TOO_MANY = (
    f"一次最多提交 {settings.DATA_UPLOAD_MAX_NUMBER_FILES} 个文件，什么都没有保存。请分几次上传。"
)
UNREADABLE = (
    "这次提交的文件没有传完整，读不出来，什么都没有保存。请回到上一页重新选择文件，一个一个上传。"
)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return failure(request, "404.html", status=404)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return failure(request, "403.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A form that was not read to its end gets the sentence that says what to do about its files."""
    if isinstance(exception, TooManyFilesSent):
        return refusal(request, TOO_MANY, status=413)
    if isinstance(exception, MultiPartParserError):
        return refusal(request, UNREADABLE, status=422)
    return failure(request, "400.html", status=400)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The session is a newer one than the page: a part of it may get the token by signing in."""
    response = failure(request, "403_csrf.html", status=403)
    if getattr(request, "htmx", False):
        response["X-Login"] = login_again(request)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Without the database: whose desk it is, only the address says."""
    at_desk = request.path.startswith(reverse("admin:index"))
    home = reverse("admin:index") if at_desk else "/"
    return render(request, "500.html", {"home": home}, status=500)


def unread(status: HTTPStatus) -> str:
    """The page for what the server answers before any view: it stands alone, its number is in the log."""
    request = SimpleNamespace(incident=new_public_id())
    logger.warning("request.unread", extra={"request": request, "status": int(status)})
    message = UNREAD_BY_STATUS.get(status, UNREAD)
    return render_to_string(
        "413.html", {"title": "请求没有被接受", "message": message, "request": request}
    )
