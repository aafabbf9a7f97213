"""What staff see of each real-shaped paper, judged by its pixels and its text."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

import pytest
from PIL import Image

from relief.evidence import kinds as rules
from relief.evidence import sandbox
from tests.corpus.papers import PAPERS, Colour, Paper


@dataclass(frozen=True)
class Seen:
    pages: list[Image.Image]
    text: str
    result: sandbox.Checked


def seen(paper: Paper) -> Seen:
    head = paper.data[: rules.HEAD_BYTES]
    file_type = rules.check_upload(size=len(paper.data), head=head, case_files=0, user_bytes=0)
    with sandbox.check(rules.CHECK_KINDS[file_type], io.BytesIO(paper.data)) as result:
        numbers = range(1, len(result.page_sizes) + 1)
        pages = [Image.open(io.BytesIO(result.page(n).read_bytes())) for n in numbers]
        rows = json.loads(result.text.read_text()) if result.ok and result.text.exists() else {}
    return Seen(pages, " ".join(line[0] for lines in rows.values() for line in lines), result)


def share_of(page: Image.Image, colour: Colour) -> int:
    """Pixels of the page that are this colour, give or take what JPEG does to it."""
    small = page.convert("RGB").resize((page.width // 4, page.height // 4))
    return sum(
        count
        for count, pixel in small.getcolors(small.width * small.height)
        if max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) < 40
    )


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.code)
def test_staff_see_the_paper_as_it_was_sent(paper: Paper) -> None:
    found = seen(paper)

    assert found.result.code == paper.refused
    if paper.refused:
        return
    assert len(found.pages) == paper.pages
    assert found.pages[0].size == (paper.size if any(paper.size) else found.pages[0].size)
    assert [word for word in paper.words if word not in found.text] == []
    for colour in paper.colours:
        assert share_of(found.pages[0], colour) > 40
    assert found.result.dropped == paper.dropped
    assert tuple(row["verdict"] for row in found.result.signatures) == paper.verdicts
