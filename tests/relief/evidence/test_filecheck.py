"""Every file of the corpus, through the real child process where one is needed."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pikepdf
import pytest
from PIL import Image

from portal.core.kernel.errors import InvalidInput
from relief.evidence import kinds as rules
from relief.evidence import sandbox
from tests.corpus.build import FILES, NAMES, FileCase

CASES = {case.code: case for case in FILES}


@dataclass(frozen=True)
class Found:
    """What the check answered, with the bytes it made."""

    code: str
    copy: bytes
    pages: list[bytes]


def check(case: FileCase) -> Found:
    file_type = rules.check_upload(
        size=len(case.data), head=case.data[: rules.HEAD_BYTES], case_files=0, user_bytes=0
    )
    with sandbox.check(rules.CHECK_KINDS[file_type], io.BytesIO(case.data)) as result:
        if not result.ok:
            return Found(result.code, b"", [])
        numbers = range(1, len(result.page_sizes) + 1)
        pages = [result.page(number).read_bytes() for number in numbers]
        return Found("accept", result.copy.read_bytes(), pages)


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.code)
def test_each_file_of_the_corpus_gets_its_answer(case: FileCase) -> None:
    if case.expect == "upload":
        with pytest.raises(InvalidInput) as refused:
            check(case)

        assert refused.value.field == "file"
        return

    found = check(case)

    assert found.code == case.expect
    assert bool(found.copy) == bool(found.pages) == (case.expect == "accept")
    if case.expect != "accept":
        assert rules.REASON_SENTENCES[rules.ReplaceReason(case.expect)]


@pytest.mark.parametrize("code", ["I10", "I13", "I14", "I18"])
def test_the_copy_carries_nothing_but_the_picture(code: str) -> None:
    copy = check(CASES[code]).copy

    with Image.open(io.BytesIO(copy)) as image:
        assert image.format == "JPEG"
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    for trace in (b"script", b"SecretPhone", b"GPS", b"PK\x03\x04"):
        assert trace not in copy


def test_a_turned_photograph_comes_out_upright() -> None:
    with Image.open(io.BytesIO(check(CASES["I15"]).copy)) as image:
        assert image.size == (200, 400)


def test_each_page_of_a_pdf_becomes_a_picture() -> None:
    pages = check(CASES["P01"]).pages

    assert len(pages) == 2
    for page in pages:
        with Image.open(io.BytesIO(page)) as image:
            assert max(image.size) > 2_000  # A4 at 200 dpi


def test_no_action_and_no_address_is_left_in_the_copy() -> None:
    with pikepdf.open(io.BytesIO(check(CASES["P06d"]).copy)) as copy:
        everything = b"".join(thing.unparse(resolved=True) for thing in copy.objects)
        assert len(copy.pages) == 1

    for trace in (b"/URI", b"evil.example", b"/OpenAction", b"/AA", b"/Next", b"/Link"):
        assert trace not in everything


@pytest.mark.parametrize(("code", "arrives", "shown"), NAMES, ids=[row[0] for row in NAMES])
def test_names_are_shown_cleaned(code: str, arrives: str, shown: str) -> None:
    assert rules.clean_name(arrives) == shown
    assert len(rules.clean_name(arrives)) <= 80


def test_limits_are_said_in_one_sentence_each() -> None:
    head = CASES["I01a"].data[:1024]

    def sentence(**changed: int) -> str:
        values = {"size": 1000, "case_files": 0, "user_bytes": 0} | changed
        with pytest.raises(InvalidInput) as refused:
            rules.check_upload(head=head, **values)
        return str(refused.value)

    assert "文件是空的，请重新选择" in sentence(size=0)
    assert "文件超过 10 MB（当前 12.4 MB）" in sentence(size=13_002_342)
    assert "最多上传 20 份" in sentence(case_files=20)
    assert "200 MB" in sentence(user_bytes=200 * 1024 * 1024)


def test_suggestions_follow_the_reasons() -> None:
    kinds = rules.EvidenceKind

    assert rules.suggested_kinds({"illness"}) == (kinds.MEDICAL, kinds.INCOME)
    assert rules.suggested_kinds(set())[0] is kinds.HARDSHIP
