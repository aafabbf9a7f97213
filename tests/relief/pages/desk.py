"""Small help for the tests of the borrower's pages: readers of a page, and files to send."""

from __future__ import annotations

import re

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.urls import reverse

from relief.cases.models import Case
from relief.evidence.checks import check_file
from relief.evidence.models import Evidence
from tests import factories
from tests.relief.people import FILE

HTMX = {"HX-Request": "true"}


def text_of(response: HttpResponse) -> str:
    return response.content.decode()


def errors(response: HttpResponse) -> list[str]:
    """The sentences at the fields."""
    found = re.findall(r'class="err-msg[^>]*>.*?<span>(.*?)</span>', text_of(response), re.S)
    return [re.sub(r"\s+", " ", one).strip() for one in found]


def sent(code: str, name: str = "") -> SimpleUploadedFile:
    """A file of the corpus as a browser sends it."""
    case = FILE[code]
    return SimpleUploadedFile(name or case.name, case.data)


def add(case: Case) -> str:
    """Where files of a case are sent."""
    return reverse("relief:evidence-add", args=[case.public_id])


def checked(case: Case) -> Evidence:
    """The newest file of the case, after its check."""
    made = case.evidence.latest("pk")
    check_file(evidence_id=made.pk, now=factories.NOW)
    made.refresh_from_db()
    return made
