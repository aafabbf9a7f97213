"""Showing a file: sealed, logged, and to nobody who has no business with it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from portal.core.kernel.roles import Rank
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.evidence.models import EvidenceAccess
from tests import factories
from tests.relief.pages.desk import add, checked, sent, text_of

pytestmark = pytest.mark.usefixtures("now")


def test_a_file_leaves_sealed(lin: Client, case: Case) -> None:
    lin.post(add(case), {"kind": "income", "file": sent("I01a", "工资证明（3月）.jpg")})
    made = checked(case)

    shown = lin.get(reverse("relief:evidence-file", args=[made.public_id]))

    assert b"".join(shown.streaming_content).startswith(b"\xff\xd8\xff")  # type: ignore[attr-defined]
    assert shown["Content-Type"] == "image/jpeg"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert shown["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    assert "sandbox" in shown["Content-Security-Policy"]
    assert "no-store" in shown["Cache-Control"]
    assert EvidenceAccess.objects.count() == 0  # one's own looks are nobody's business


def test_every_look_of_staff_is_written_down(client: Client) -> None:
    case = factories.draft_case()
    borrower = Client()
    borrower.force_login(case.borrower)
    borrower.post(add(case), {"kind": "income", "file": sent("P01")})
    made = checked(case)
    address = reverse("relief:evidence-file", args=[made.public_id])
    auditor = factories.staff(Rank.AUDITOR)
    client.force_login(auditor)
    assert client.get(address).status_code == 404  # a draft is nobody else's
    Case.objects.filter(pk=case.pk).update(state=State.IN_REVIEW.value)

    picture = client.get(address, {"page": "2"})
    whole = client.get(address, {"whole": "1"})

    assert picture["Content-Type"] == "image/jpeg"
    assert whole["Content-Type"] == "application/pdf"
    assert all(b"".join(answer.streaming_content) for answer in (picture, whole))  # type: ignore[attr-defined]
    accesses = EvidenceAccess.objects.order_by("pk").values_list("viewer", "page", "whole")
    assert list(accesses) == [(auditor.pk, 2, False), (auditor.pk, 1, True)]
    assert client.get(address, {"page": "3"}).status_code == 409
    assert {client.get(address, {"page": bad}).status_code for bad in ("0x1", "-1", "")} == {404}


def test_staff_never_see_their_own_papers(client: Client) -> None:
    case = factories.case_at(State.IN_REVIEW)
    made = case.evidence.get()
    client.force_login(factories.staff(username="twin", same_person_as=case.borrower))

    assert client.get(reverse("relief:evidence-file", args=[made.public_id])).status_code == 404


def test_what_is_not_checked_is_not_shown(lin: Client, case: Case) -> None:
    made = case.evidence.get()

    refused = lin.get(reverse("relief:evidence-file", args=[made.public_id]))

    assert refused.status_code == 409
    assert "正在检查" in text_of(refused)


def test_strangers_find_no_file(client: Client, case: Case) -> None:
    made = case.evidence.get()
    client.force_login(factories.borrower())
    file = [made.public_id]

    assert client.get(reverse("relief:evidence-file", args=file)).status_code == 404
    assert client.get(reverse("relief:evidence-state", args=file)).status_code == 404
    assert client.post(reverse("relief:evidence-remove", args=file)).status_code == 404
    assert client.post(add(case), {"kind": "income"}).status_code == 404
    assert client.get(reverse("relief:supply", args=[case.public_id])).status_code == 404
    own = factories.draft_case()
    client.force_login(own.borrower)
    foreign = {"replaces": made.public_id, "file": sent("I01a")}
    assert client.post(add(own), foreign).status_code == 404
    assert case.evidence.current().count() == 1


def test_every_page_with_a_field_of_files_offers_to_black_out_first(
    lin: Client, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin.post(add(case), {"kind": "income", "file": sent("I01a")})
    Case.objects.filter(pk=case.pk).update(state=State.IN_REVIEW.value)
    papers = reverse("relief:supply", args=[case.public_id])

    pages = [text_of(lin.get(papers)), text_of(lin.get(reverse("relief:service")))]
    monkeypatch.setattr(
        "relief.pages._panel.MAX_CASE_FILES", 1
    )  # a refused one may be replaced still
    pages.append(text_of(lin.get(papers)))

    assert "请先删除不需要的再上传" in pages[2]
    for page in pages:
        assert page.count('id="redact-first"') == 1
        assert page.count('id="redact-sheet"') == 1
        assert "js/redact" in page
