"""Figures for Prometheus: the extra's own and those of /readyz, for whoever shows the token."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe

from portal.core import clock
from portal.site.pages import gauges
from portal.site.pages.health import broker_answers, database_answers, figures


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Text for Prometheus; 404 unless METRICS=1, 401 without `Authorization: Bearer <token>`."""
    if not settings.METRICS:
        raise Http404
    shown = request.headers.get("Authorization", "")
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    if not hmac.compare_digest(shown.encode(), wanted.encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    # By name: the extra is installed only where METRICS=1 is allowed.
    exported = import_string("django_prometheus.exports.ExportToDjangoView")(request)
    return HttpResponse(
        exported.content + own_lines().encode(), content_type=exported["Content-Type"]
    )


def own_lines() -> str:
    """The figures of /readyz and those with labels, all named kuanxi_…; what is not known has no line."""
    values: dict[str, int | None] = {
        "database_up": int(database_answers()),
        "broker_up": int(broker_answers()),
    }
    if values["database_up"]:
        values |= figures(clock.now(), clock.real_now())
    lines = []
    for name, value in values.items():
        if value is not None:
            lines += [f"# TYPE kuanxi_{name} gauge", f"kuanxi_{name} {value}"]
    text = "".join(f"{line}\n" for line in lines)
    return text + (gauges.lines(clock.now()) if values["database_up"] else "")
