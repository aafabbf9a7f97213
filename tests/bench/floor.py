"""The site's addresses and one more: the base layout of a page with nothing in it, for the bench.

What no page can be cheaper than, as long as it looks like one: middleware, session, person, clock,
unread notices, head, navigation and foot.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from portal.site import urls

EMPTY_PAGE = '{% extends "base.html" %}{% block title %}空白{% endblock %}{% block heading %}空白{% endblock %}'
FLOOR = "floor/"


def floor(request: HttpRequest) -> HttpResponse:
    """A page that says nothing."""
    return HttpResponse(_template.render({}, request))


_template = engines["django"].from_string(EMPTY_PAGE)  # type: ignore[attr-defined]  # has no stub
urlpatterns = [*urls.urlpatterns, path(FLOOR, floor)]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
