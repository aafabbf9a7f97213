"""Error pages in the frame of whoever sees them: borrowers in the app, staff at their desk."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

DESK_FRAME = "admin/failure.html"


def failure(request: HttpRequest, template: str, *, status: int, **words: Any) -> HttpResponse:
    """The page of one failure (403.html …); `words` are what it says, such as its message."""
    return render(request, template, {**_frame(request), **words}, status=status)


def _frame(request: HttpRequest) -> dict[str, Any]:
    """The desk's head and navigation for whoever may be at the desk; the app's for all others."""
    if not hasattr(request, "user") or not admin.site.has_permission(request):
        return {"frame": "base.html"}
    return {**admin.site.each_context(request), "frame": DESK_FRAME}
