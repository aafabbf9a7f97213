"""What a browser shows when it is offline: one page without anything of a person, and who keeps it there."""

from __future__ import annotations

from hashlib import sha256

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

PAGE = "portal/offline/offline.html"
FILES = ("css/site.css", "js/offline.js", "img/favicon.svg", "img/icons.svg")


@login_not_required
@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """The page itself, the same for everybody; the browser asks for it while there is a network."""
    return HttpResponse(render_to_string(PAGE))


@login_not_required
@never_cache
@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker; at the root, for it may answer only below its own address.

    Its words change with the page and the names of its files, which makes browsers take them anew.
    """
    version = sha256(render_to_string(PAGE).encode()).hexdigest()[:12]
    context = {"version": version, "files": [static(name) for name in FILES]}
    return render(
        request, "portal/offline/worker.js", context, content_type="text/javascript; charset=utf-8"
    )
