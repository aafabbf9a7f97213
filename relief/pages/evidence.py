"""Files: take them, say how each stands, put one aside, show one, and hand in what was asked for."""

from __future__ import annotations

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.kernel.errors import InvalidInput
from portal.core.web.access import borrower_only
from portal.core.web.bodies import takes_files
from portal.core.web.failures import failure
from portal.core.web.htmx import redirect_to, wants_part
from portal.core.web.visitor import REFUSALS, address
from relief.cases import application
from relief.cases.models import Case
from relief.cases.workflow import BEFORE_PLAN, State
from relief.evidence.access_log import open_evidence
from relief.evidence.consent_texts import CONSENT_FOR
from relief.evidence.files import add_evidence, remove_evidence
from relief.evidence.kinds import EvidenceKind, EvidenceState, clean_name
from relief.evidence.models import Evidence
from relief.pages._own import borrower, own_case
from relief.pages._panel import as_upload, evidence_page, page_of, panel
from relief.pages.forms.evidence import UploadForm
from relief.presenters import apply as present

SEALED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


@require_http_methods(["GET", "HEAD", "POST"])
@borrower_only
@takes_files
def add(request: HttpRequest, case: str) -> HttpResponse:
    """Takes files one by one: a bad one does not stop the others, and each gets its answer."""
    visitor_case = own_case(request, case)
    if request.method != "POST":  # the address that a refusal leaves in the bar, asked for again
        return redirect(page_of(visitor_case))
    form = UploadForm(request.POST)
    received: list[Evidence] = []
    refused: list[present.RefusedFile] = []
    replaced = _replaced(visitor_case, request.POST.get("replaces", ""))
    arrived: list[UploadedFile[bytes] | None] = [*request.FILES.getlist("file")]
    for upload in arrived or [None]:
        try:
            received.append(_take(request, visitor_case, form, upload, replaced))
        except REFUSALS as problem:
            name = clean_name(upload.name or "") if upload is not None else ""
            refused.append(present.RefusedFile(name, problem.message, problem.field))
    if wants_part(request):
        return _answer(request, visitor_case, received, refused, replaced)
    if received:
        messages.success(request, f"已收到 {len(received)} 份材料，正在做安全检查。")
    if refused:
        return evidence_page(request, visitor_case, status=422, form=form, refused=refused)
    return redirect(page_of(visitor_case))


def _replaced(case: Case, public_id: str) -> Evidence | None:
    """The refused file that the new one stands in for."""
    if not public_id:
        return None
    if not public_id.isalnum():  # a NUL would be an error of the database's own
        raise Http404
    return get_object_or_404(Evidence.objects.filter(case=case), public_id=public_id)


def _take(
    request: HttpRequest,
    case: Case,
    form: UploadForm,
    upload: UploadedFile[bytes] | None,
    replaced: Evidence | None,
) -> Evidence:
    """Hand one file to the service; its refusals are raised."""
    kind = replaced.kind if replaced else request.POST.get("kind", "")
    if not replaced and not form.is_valid():
        raise InvalidInput("kind", "请选择材料类型。")
    needed = CONSENT_FOR.get(EvidenceKind(kind))
    return add_evidence(
        case=case,
        kind=kind,
        upload=as_upload(upload) if upload is not None else None,
        actor=borrower(request),
        now=clock.now(),
        consent=needed is not None and needed.value in request.POST.getlist("consent"),
        replaces=replaced,
        ip=address(request) or None,
    )


def _answer(
    request: HttpRequest,
    case: Case,
    received: list[Evidence],
    refused: list[present.RefusedFile],
    replaced: Evidence | None = None,
) -> HttpResponse:
    """The rows of these files, and what else on the page changes with them."""
    context = panel(case, refused=refused) | {
        "files": [present.file_line(file, clock.now(), can_change=True) for file in received],
        "count": case.evidence.current().count(),
        "gone": replaced if received else None,
    }
    status = 422 if refused and not received else 200
    return render(request, "relief/evidence/_evidence_answer.html", context, status=status)


@require_GET
@borrower_only
def state(request: HttpRequest, file: str) -> HttpResponse:
    """How one file stands, for the row that asks while it is being checked."""
    evidence = _own_file(request, file)
    if not wants_part(request):
        return redirect(page_of(evidence.case))
    if evidence.state == EvidenceState.CHECKING and evidence.withdrawn_at is None:
        return HttpResponse(status=204)
    if request.GET.get("look") == "card":
        return render(request, "relief/conversation/_message_file.html", {"file": evidence})
    return _answer(request, evidence.case, [evidence] if evidence.withdrawn_at is None else [], [])


@require_POST
@borrower_only
def remove(request: HttpRequest, file: str) -> HttpResponse:
    """Puts one file aside; the others stay."""
    evidence = _own_file(request, file)
    remove_evidence(evidence=evidence, actor=borrower(request), now=clock.now())
    if wants_part(request):
        return _answer(request, evidence.case, [], [])
    messages.success(request, f"已移除 {evidence.original_name}。")
    return redirect(page_of(evidence.case))


def _own_file(request: HttpRequest, public_id: str) -> Evidence:
    """A file of the user's own; a stranger's is 404."""
    files = Evidence.objects.visible_to(borrower(request)).select_related("case__loan")
    return get_object_or_404(files, public_id=public_id)


@require_GET
def show(request: HttpRequest, file: str) -> HttpResponseBase:
    """The checked copy, never as a page of this site; each access of staff is logged first."""
    files = Evidence.objects.visible_to(request.user).select_related("case")
    evidence = get_object_or_404(files, public_id=file)
    number = request.GET.get("page", "1")
    if not (number.isascii() and number.isdigit() and len(number) < 5):
        raise Http404
    try:
        opened = open_evidence(
            evidence=evidence,
            actor=request.user,  # type: ignore[arg-type]  # visible_to has seen to it
            now=clock.now(),
            page=int(number),
            whole=request.GET.get("whole") == "1",
        )
    except RuleViolation as refusal:
        return failure(request, "409.html", status=409, message=refusal.message)
    return FileResponse(
        opened.stream,
        as_attachment=True,
        filename=opened.file_name,
        content_type=opened.content_type,
        headers=SEALED,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@borrower_only
def supply(request: HttpRequest, case: str) -> HttpResponse:
    """The papers of a case that is with staff; POST says that what was asked for is there."""
    visitor_case = own_case(request, case)
    if visitor_case.state == State.DRAFT:
        return redirect_to(request, page_of(visitor_case))
    if request.method != "POST":
        return evidence_page(request, visitor_case)
    try:
        application.supply_proof(case=visitor_case, actor=borrower(request), now=clock.now())
    except InvalidInput as problem:
        return evidence_page(request, visitor_case, status=422, error=f"{problem.message}。")
    except RuleViolation as problem:
        visitor_case.refresh_from_db()
        if (
            visitor_case.state in BEFORE_PLAN and visitor_case.state != State.NEED_MORE
        ):  # a second click
            return redirect_to(request, reverse("relief:case", args=[visitor_case.public_id]))
        return evidence_page(request, visitor_case, status=409, error=problem.message)
    messages.success(request, "补充材料已提交，审核继续计时，结果会用短信和消息告诉你。")
    return redirect_to(request, reverse("relief:case", args=[visitor_case.public_id]))
