"""Real-shaped papers through HTTP, with and without HTMX: taken, checked, told, and opened by staff."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from relief.cases.models import Case
from relief.evidence.access_log import open_evidence
from relief.evidence.kinds import dropped_sentence
from tests import factories
from tests.corpus.papers import PAPERS, Paper
from tests.relief.pages.desk import HTMX, add, checked, text_of
from tests.relief.pages.test_evidence_views import page_of
from tests.relief.people import staff

pytestmark = pytest.mark.usefixtures("now")
SOME = [paper for paper in PAPERS if paper.code in {"S02", "D01", "X01", "X06", "L02", "H04"}]


@pytest.mark.parametrize("htmx", [{}, HTMX], ids=["page", "part"])
@pytest.mark.parametrize("paper", SOME, ids=lambda paper: paper.code)
def test_a_paper_is_taken_and_its_row_says_what_came_of_it(
    lin: Client, case: Case, paper: Paper, htmx: dict[str, str]
) -> None:
    upload = SimpleUploadedFile(paper.name, paper.data)

    answer = lin.post(add(case), {"kind": "income", "file": upload}, headers=htmx)
    made = checked(case)

    assert answer.status_code == (200 if htmx else 302)
    assert (made.reason, made.pages) == (paper.refused, 0 if paper.refused else paper.pages)
    page = text_of(lin.get(page_of(case)))
    assert (made.problem or "已通过检查") in page
    assert dropped_sentence(paper.dropped) in page
    if paper.refused:
        return
    Case.objects.filter(pk=case.pk).update(state="SUBMITTED")
    made.case.refresh_from_db()
    for page_number in range(1, paper.pages + 1):
        opened = open_evidence(
            evidence=made, actor=staff(f"agent{page_number}"), now=factories.NOW, page=page_number
        )
        with Image.open(io.BytesIO(opened.stream.read())) as shown:
            drawn = made.drawn_pages.get(number=page_number)
            assert shown.size == (drawn.width, drawn.height)
