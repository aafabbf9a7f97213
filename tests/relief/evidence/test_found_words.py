"""Words are found where a reader sees them, and what an older check drew is drawn anew."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from PIL import Image

from portal.core.storage import private
from relief.cases.workflow import State
from relief.conversation.models import Message
from relief.evidence.checks import check_file, check_pending
from relief.evidence.files import Upload, add_evidence, judge_evidence
from relief.evidence.models import TEXT_VERSION, Evidence
from relief.evidence.pages import find, pages_of, picture
from tests import factories
from tests.corpus.papers import printed, turned_page

pytestmark = pytest.mark.django_db
NOW = factories.NOW
LINES = ("一二三 工资 收入 137.40 余额", "2026 年 3 月 代发工资", "⼯资表 １２３", "收入证", "明")


def checked(data: bytes) -> Evidence:
    case = factories.case_at(State.IN_REVIEW)
    upload = Upload("流水.pdf", BytesIO(data))
    row = add_evidence(case=case, kind="income", upload=upload, actor=case.borrower, now=NOW)
    check_file(evidence_id=row.pk, now=NOW)
    row.refresh_from_db()
    return row


def ink(page: Image.Image, box: tuple[int, int, int, int]) -> int:
    """How many pixels in the box (left, top, width, height) are written on."""
    left, top, width, height = box
    cut = page.convert("L").crop((left, top, left + width, top + height))
    return sum(cut.histogram()[:128])


def test_a_hit_lies_on_its_letters_and_on_no_other() -> None:
    paper = checked(printed("          工资          ", "收入"))
    page = Image.open(BytesIO(picture(pages_of(paper)[0])))

    (hit,) = find(paper, "工资")

    (place,) = hit.places
    left, top, width, height = place
    line = (0, top, page.width, height)
    assert hit.page == 1
    assert ink(page, place) == ink(page, line) > 200  # all that is written in its line
    half = (left, top, width // 2, height)
    assert 0 < ink(page, half) < ink(page, place)
    assert width < 4 * height


@pytest.mark.parametrize(
    ("words", "count"),
    [("工资", 3), ("资 收", 1), ("123", 1), ("收入证明", 1), ("3月", 1), ("wage", 0), (" ", 0)],
)
def test_words_are_found_as_a_reader_reads_them(words: str, count: int) -> None:
    paper = checked(printed(*LINES))

    hits = find(paper, words)

    assert len(hits) == count
    if words == "收入证明":  # over the end of a line: a box on each
        assert len(hits[0].places) == 2


def test_hits_of_a_turned_page_lie_on_their_letters() -> None:
    paper = checked(turned_page())
    page = Image.open(BytesIO(picture(pages_of(paper)[0])))

    (hit,) = find(paper, "工资表")

    assert page.width > page.height
    assert ink(page, hit.places[0]) > 200


def outdated(paper: Evidence) -> Evidence:
    """As a check of before left it: text with the place of its line alone."""
    layer = {"1": [["代发工资", 10, 20, 400, 50]]}
    key = private.save(json.dumps(layer).encode(), suffix=".json").key
    Evidence.objects.filter(pk=paper.pk).update(text_key=key, text_version=0)
    paper.refresh_from_db()
    return paper


def test_text_of_an_older_check_is_found_by_line_and_drawn_anew_by_the_sweep() -> None:
    paper = checked(printed(*LINES))
    judge_evidence(evidence=paper, passed=False, reason="blurred", actor=factories.staff(), now=NOW)
    former_keys = outdated(paper).stored_keys()

    before = find(paper, "工资")
    check_pending(now=NOW)
    paper.refresh_from_db()

    assert [hit.places for hit in before] == [[(10, 20, 400, 50)]]
    assert paper.text_version == TEXT_VERSION
    assert (paper.state, paper.reason) == ("replace", "blurred")
    assert len(find(paper, "工资")) == 3
    assert len(pages_of(paper)) == 1
    assert [key for key in former_keys if private.exists(key)] == [paper.stored_key]
    assert all(private.exists(key) for key in paper.stored_keys())
    assert not Message.objects.filter(text__contains=paper.original_name).exists()
    assert check_pending(now=NOW) == 0


def test_what_cannot_be_drawn_anew_stays_as_staff_see_it() -> None:
    paper = outdated(checked(printed(*LINES)))
    private.delete(paper.stored_key)

    check_pending(now=NOW)
    paper.refresh_from_db()

    assert paper.state == "passed"
    assert len(pages_of(paper)) == 1
    assert find(paper, "工资")
    assert check_pending(now=NOW) == 0
