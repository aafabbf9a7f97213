"""The real addresses, and beside them one address for each error, which answers as the product does."""

from __future__ import annotations

from http import HTTPStatus

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path

from portal.core.errors import RuleViolation
from portal.core.web.access import COSTLY, costly
from portal.site.pages.errors import csrf_failure, unread
from portal.site.urls import *  # noqa: F403 - handlers for errors
from portal.site.urls import urlpatterns as real

RAISED: dict[int, Exception] = {
    HTTPStatus.BAD_REQUEST: SuspiciousOperation(),
    HTTPStatus.FORBIDDEN: PermissionDenied(),
    HTTPStatus.NOT_FOUND: Http404(),
    HTTPStatus.CONFLICT: RuleViolation("方案已过期，请重新协商。"),
    HTTPStatus.INTERNAL_SERVER_ERROR: ZeroDivisionError(),
}
STATUSES = sorted([*RAISED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS])


def fail(request: HttpRequest, status: int) -> HttpResponseBase:
    """The error of a status; 413 is what the server answers before any view."""
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return HttpResponse(unread(HTTPStatus(status)), status=status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return [_once_more(request) for _ in range(COSTLY.count + 1)][-1]
    raise RAISED[status]


def forged(request: HttpRequest) -> HttpResponse:
    """A form without its token."""
    return csrf_failure(request)


@costly
def _once_more(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("error/forged/", forged), path("error/<int:status>/", fail), *real]
