"""The papers of a case as a page part: what is suggested, what is there, what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO, cast

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from portal.core import clock
from relief.cases.application import STEPS
from relief.cases.gate import Actor, why_not
from relief.cases.models import Case
from relief.cases.permissions import Task
from relief.cases.reasons import reason_names
from relief.cases.workflow import State
from relief.evidence.files import Upload
from relief.evidence.kinds import ACCEPT_ATTRIBUTE, LIMITS, MAX_CASE_FILES, MAX_FILE_BYTES
from relief.evidence.models import Consent
from relief.pages._own import borrower
from relief.pages.forms.evidence import UploadForm
from relief.presenters import apply as present
from relief.presenters.case import case_view


def panel(
    case: Case,
    *,
    form: UploadForm | None = None,
    refused: Sequence[present.RefusedFile] = (),
) -> dict[str, Any]:
    """What relief/evidence/_evidence_panel.html and its parts need."""
    files = list(case.evidence.current())
    owner = Actor.of(case.borrower)
    can_change = not why_not(Task.ADD_FILE, case, owner, clock.now())
    since = case.clock_stopped_at if case.state == State.NEED_MORE else None
    wishes = present.wanted_of(case, files, since)
    missing = [wish.kind for wish in wishes if not wish.is_there]
    consents = Consent.objects.for_user(case.borrower_id).active()
    return {
        "case": case,
        "files": [present.file_line(file, clock.now(), can_change=can_change) for file in files],
        "wanted": wishes,
        "reasons": reason_names(case.reasons),
        "consents": present.consent_lines(consents),
        "upload": form or UploadForm(suggested=missing or [wish.kind for wish in wishes]),
        "refused": refused,
        "can_change": can_change,
        "has_room": can_change and len(files) < MAX_CASE_FILES,
        "most_files": MAX_CASE_FILES,
        "most_bytes": MAX_FILE_BYTES,
        "limits": LIMITS,
        "accept": ACCEPT_ATTRIBUTE,
    }


def as_upload(file: UploadedFile[bytes]) -> Upload:
    """What came with a form, as the service takes it."""
    return Upload(file.name or "", cast(BinaryIO, file.file))


def page_of(case: Case) -> str:
    """Where the papers of a case are: the third step of a draft, a page of their own after it."""
    if case.state == State.DRAFT:
        return reverse("relief:apply-step", args=[case.loan.public_id, "evidence"])
    return reverse("relief:supply", args=[case.public_id])


def evidence_page(
    request: HttpRequest, case: Case, *, status: int = 200, error: str = "", **parts: Any
) -> HttpResponse:
    """The page with the papers of a case; `parts` go to the panel."""
    context = panel(case, **parts) | {"error": error, "loan": case.loan}
    if case.state == State.DRAFT:
        context |= step_context(case.loan, "evidence", case)
        return render(request, "relief/apply/apply_evidence.html", context, status=status)
    context["view"] = case_view(case, borrower(request), clock.now())
    return render(request, "relief/evidence/supply.html", context, status=status)


def step_context(loan: Any, step: str, case: Case | None) -> dict[str, Any]:
    """Which step of the five this is."""
    number = STEPS.index(step) + 1
    return {
        "loan": loan,
        "case": case,
        "step": step,
        "number": number,
        "steps": present.STEP_LABELS,
    }
