"""Papers: issued once, verifiable by code without naming anyone, tampering seen."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal

import pypdfium2
import pytest

from portal.core.documents import papers as documents
from portal.core.errors import RuleViolation
from portal.core.models import Document, User
from portal.core.storage import private
from tests.conftest import at
from tests.past_guards import past_the_guards

pytestmark = pytest.mark.django_db
NOW = at("2026-11-26 16:30")


@pytest.fixture(autouse=True)
def _private_folder(tmp_path, settings) -> None:
    settings.PRIVATE_ROOT = tmp_path


@pytest.fixture
def paper() -> Document:
    return issue(User.objects.create_borrower("13900000001", "林小云"))


def issue(user: User, waived: str = "161.50") -> Document:
    return documents.issue(
        kind="agreement",
        number="XY20261126-0017",
        user=user,
        about="case:abc",
        title="协商还款协议",
        snapshot={"waived": Decimal(waived), "first_due_on": date(2026, 12, 26)},
        text=f"## 减免\n减免罚息 {waived} 元。",
        now=NOW,
    )


def test_a_paper_is_issued_once(paper: Document) -> None:
    assert issue(paper.user) == paper
    assert paper.snapshot == {"waived": "161.50", "first_due_on": "2026-12-26"}
    assert (len(paper.code), len(paper.digest)) == (10, 64)
    with pytest.raises(RuleViolation, match="不能更改"):
        issue(paper.user, "161.49")


def test_the_pdf_is_derived_and_can_be_made_again(paper: Document) -> None:
    on_the_spot = documents.pdf_bytes(paper)
    assert documents.render_pending(now=NOW) == 1
    assert documents.render_pending(now=NOW) == 0
    paper.refresh_from_db()
    stored = documents.pdf_bytes(paper)
    private.delete(paper.stored_key)

    assert on_the_spot == stored == documents.pdf_bytes(paper)
    page = pypdfium2.PdfDocument(stored)
    text = page[0].get_textpage().get_text_range()
    page.close()
    for wanted in (
        "减免罚息 161.50 元",
        paper.number,
        paper.code,
        paper.digest,
        "2026-11-26 16:30",
    ):
        assert wanted in text


@pytest.mark.parametrize("change", [{"snapshot": {"waived": "161.51"}}, {"text": "别的"}])
def test_one_fen_of_tampering_is_seen(paper: Document, change: dict[str, object]) -> None:
    with past_the_guards():
        Document.objects.filter(pk=paper.pk).update(**change)
    paper.refresh_from_db()

    assert not documents.is_intact(paper)
    assert not documents.render(paper.pk, now=NOW)
    with pytest.raises(RuleViolation, match="不一致"):
        documents.pdf_bytes(paper)
    found = documents.verify(paper.code)
    assert found is not None
    assert not found.intact


def test_verification_says_what_it_is_but_never_whose(paper: Document) -> None:
    found = documents.verify(f" {paper.code[:5].lower()}-{paper.code[5:]} ")

    assert found is not None
    assert (found.number, found.digest, found.intact) == (paper.number, paper.digest, True)
    said = str(dataclasses.asdict(found))
    assert "林" not in said
    assert "139" not in said


@pytest.mark.parametrize("code", ["", " ", "NOSUCHCODE", "A" * 5000, "' OR 1=1", "\x00"])
def test_an_unknown_code_is_nothing(paper: Document, code: str) -> None:
    assert documents.verify(code) is None


def test_papers_cannot_be_deleted(paper: Document) -> None:
    with pytest.raises(TypeError):
        paper.delete()
    with pytest.raises(TypeError):
        Document.objects.all().delete()
