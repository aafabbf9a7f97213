"""Pages that only explain: help, and the texts that are agreed to."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from relief.cases.collection import IN_PLAN_SENTENCE, IN_TALKS_SENTENCE
from relief.cases.queries import rules_for

TEXTS = {"service": "用户服务协议", "privacy": "隐私政策", "review": "减免审核授权书"}


@login_not_required
@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """The questions that people ask first."""
    return render(
        request,
        "portal/info/help.html",
        {"rules": rules_for(None), "collection": IN_TALKS_SENTENCE + IN_PLAN_SENTENCE},
    )


@login_not_required
@require_safe
def legal(request: HttpRequest, slug: str) -> HttpResponse:
    """One of the texts."""
    if slug not in TEXTS:
        raise Http404
    return render(
        request, f"portal/info/legal_{slug}.html", {"name": TEXTS[slug], "rules": rules_for(None)}
    )
