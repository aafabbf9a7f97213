"""核验: whether a paper, message or staff number is genuine; never names whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.core import clock
from portal.core.accounts.throttles import Limit, attempt
from portal.core.documents import papers as documents
from portal.core.models import Delivery, User
from portal.core.web import visitor
from portal.core.web.htmx import render_part
from portal.site.pages.signing_in.forms import VerifyForm

PER_ADDRESS = (Limit(20, timedelta(minutes=10)), Limit(100, timedelta(days=1)))
TOO_OFTEN = "核验过于频繁，请过几分钟再试；急需确认时请登录后联系客服"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the public page says about a genuine paper, message or member of staff."""

    kind: str
    text: str
    at: datetime | None = None
    number: str = ""
    digest: str = ""
    is_whole: bool = True
    revoked_at: datetime | None = None


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """The form; with a code (posted, or in the link on a paper) also what it is."""
    values = request.POST if request.method == "POST" else request.GET
    form = VerifyForm(values) if "code" in values else VerifyForm()
    context: dict[str, object] = {"form": form, "checked": False}
    if form.is_bound and form.is_valid():
        if attempt("verify", visitor.address(request), PER_ADDRESS, now=clock.real_now()):
            form.add_error("code", TOO_OFTEN)
        else:
            context |= {"checked": True, "finding": find(form.cleaned_data["code"])}
    return render_part(
        request,
        page="portal/info/verify.html",
        part="portal/info/_verify.html",
        context=context,
        status=422 if form.errors else 200,
    )


def find(code: str) -> Finding | None:
    """The paper, message or member of staff that a code names; None when nothing of ours does."""
    return _paper(code) or _message(code) or _staff(code)


def _paper(code: str) -> Finding | None:
    document = documents.verify(code)
    if document is None:
        return None
    return Finding(
        kind="文书",
        text=document.title,
        at=document.issued_at,
        number=document.number,
        digest=document.digest,
        is_whole=document.intact,
        revoked_at=document.revoked_at,
    )


def _message(code: str) -> Finding | None:
    """A message that went out under the code; its words and its number are not told."""
    sent = (
        Delivery.objects.filter(code=code.upper()).exclude(status="failed").order_by("pk").first()
    )
    if sent is None:
        return None
    text = f"由宽息发出的{sent.get_channel_display()}通知"
    return Finding(kind=sent.get_channel_display(), text=text, at=sent.created_at)


def _staff(code: str) -> Finding | None:
    """A member of staff in service, by the number that they give; neither name nor rank is told."""
    digits = code.upper().removeprefix("K")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        return None
    member = User.objects.filter(staff_number=int(digits), is_active=True).first()
    if member is None:
        return None
    return Finding(kind="工作人员", text=f"工号 {member.staff_code} 是宽息在职工作人员")
