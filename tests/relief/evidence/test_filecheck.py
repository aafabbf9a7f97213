"""Every file of the corpus, through the real child process where one is needed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from portal.core.kernel.errors import InvalidInput
from relief.evidence import kinds as rules
from tests.corpus.build import FILES, NAMES, FileCase

CASES = {case.code: case for case in FILES}


def check(case: FileCase, folder: Path) -> tuple[dict[str, object], bytes]:
    found = rules.check_upload(
        size=len(case.data), head=case.data[: rules.HEAD_BYTES], case_files=0, user_bytes=0
    )
    (folder / "in").write_bytes(case.data)
    done = subprocess.run(
        [sys.executable, "-m", "relief.evidence.filecheck", rules.CHECK_KINDS[found], folder],
        capture_output=True,
        check=False,
        timeout=60,
    )
    answer = json.loads(done.stdout)
    copy = folder / ("copy" if answer.get("content_type") == "application/pdf" else "page-1.jpg")
    return answer, copy.read_bytes() if copy.exists() else b""


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.code)
def test_each_file_of_the_corpus_gets_its_answer(case: FileCase, tmp_path: Path) -> None:
    if case.expect == "upload":
        with pytest.raises(InvalidInput) as refused:
            check(case, tmp_path)

        assert refused.value.field == "file"
        return

    answer, copy = check(case, tmp_path)

    assert answer.get("code", "accept") == case.expect, answer
    assert bool(copy) == (case.expect == "accept")
    if case.expect != "accept":
        assert rules.REASON_SENTENCES[rules.ReplaceReason(case.expect)]


@pytest.mark.parametrize("code", ["I10", "I13", "I14"])
def test_the_copy_carries_nothing_but_the_picture(code: str, tmp_path: Path) -> None:
    _, copy = check(CASES[code], tmp_path)

    with Image.open(io.BytesIO(copy)) as image:
        assert image.format == "JPEG"
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    for trace in (b"script", b"SecretPhone", b"GPS", b"PK\x03\x04"):
        assert trace not in copy


def test_a_turned_photograph_comes_out_upright(tmp_path: Path) -> None:
    _, copy = check(CASES["I15"], tmp_path)

    with Image.open(io.BytesIO(copy)) as image:
        assert image.size == (200, 400)


def test_each_page_of_a_pdf_becomes_a_picture(tmp_path: Path) -> None:
    answer, _ = check(CASES["P01"], tmp_path)

    pictures = sorted(path.name for path in tmp_path.glob("page-*.jpg"))
    assert pictures == ["page-1.jpg", "page-2.jpg"]
    for name, size in zip(pictures, answer["pages"], strict=True):
        with Image.open(tmp_path / name) as image:
            assert list(image.size) == size


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
