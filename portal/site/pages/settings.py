"""设置: contact preferences, consents, who opened the borrower's papers, and logging out."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.core import clock
from portal.core.accounts.accounts import set_preferences
from portal.core.web import visitor
from portal.core.web.access import borrower_only
from portal.core.web.htmx import redirect_to, render_part
from portal.site.pages import visit
from portal.site.pages.signing_in.forms import PreferencesForm
from relief.evidence.consents import withdraw_consent
from relief.evidence.models import Consent, EvidenceAccess

ACCESSES_SHOWN = 5
ACCESSES_PER_PAGE = 50


@borrower_only
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """The page, and saving the preferences on it."""
    if request.method == "POST":
        form = PreferencesForm(request.POST)
        if form.is_valid() and _save(request, form):
            messages.success(request, "设置已保存。")
            return redirect_to(request, reverse("portal:settings"))
    else:
        user = visit.person(request)
        form = PreferencesForm(initial={name: getattr(user, name) for name in _FIELDS})
    accesses = list(EvidenceAccess.objects.of_borrower(request.user)[: ACCESSES_SHOWN + 1])
    return render_part(
        request,
        page="portal/account/settings.html",
        part="portal/account/_preferences.html",
        context={
            "form": form,
            "consents": Consent.objects.for_user(request.user),
            "accesses": accesses[:ACCESSES_SHOWN],
            "has_more_accesses": len(accesses) > ACCESSES_SHOWN,
        },
        status=422 if form.errors else 200,
    )


_FIELDS = ("sms_enabled", "call_from", "call_to", "large_type")


def _save(request: HttpRequest, form: PreferencesForm) -> bool:
    """Whether the preferences were kept; a refusal is written into the form."""
    try:
        set_preferences(
            user=visit.person(request), **{name: form.cleaned_data[name] for name in _FIELDS}
        )
    except visitor.REFUSALS as problem:
        visitor.refuse(form, problem)
        return False
    return True


@require_safe
@borrower_only
def evidence_access(request: HttpRequest) -> HttpResponse:
    """谁看过我的材料: the whole access log, newest first, page by page."""
    rows = EvidenceAccess.objects.of_borrower(request.user)
    looks = Paginator(rows, ACCESSES_PER_PAGE).get_page(request.GET.get("page"))
    page = "portal/account/evidence_access.html"
    return render_part(request, page=page, part=page, context={"looks": looks})


@borrower_only
@require_http_methods(["GET", "HEAD"])
def consent(request: HttpRequest, kind: str) -> HttpResponse:
    """One consent word for word, and what withdrawing it means, before it is withdrawn."""
    active = Consent.objects.for_user(request.user).active()
    consent_row = next((one for one in active if one.kind == kind), None)
    if consent_row is None:
        return redirect("portal:settings")
    page = "portal/account/consent.html"
    return render_part(request, page=page, part=page, context={"consent": consent_row})


@require_POST
@borrower_only
def withdraw(request: HttpRequest, kind: str) -> HttpResponse:
    """End a consent; the files that it covered go."""
    try:
        count = withdraw_consent(kind=kind, actor=visit.person(request), now=clock.now())
    except visitor.REFUSALS as problem:
        messages.error(request, problem.message)
    else:
        gone = f"，{count} 份相关材料已停止使用并将删除" if count else ""
        messages.success(request, f"同意已撤回{gone}。")
    return redirect_to(request, reverse("portal:settings"))
