"""Papers: Chinese renders on a bare machine, the same text gives the same bytes."""

from __future__ import annotations

import io
import time

import pikepdf
import pypdfium2
import pytest

from portal.core.documents import pdf

PROOF = pdf.Proof("XY20261126-0017", "A2B3C4", "9f" * 32, "2026-11-26 16:30")
TEXT = """## 一、减免内容
甲方同意减免罚息 161.50 元，其余按新还款计划归还。签署人：堃䶮𬭎、林*云。

## 二、新还款计划
期\t日期\t应还金额
1\t2026-12-26\t509.17
12\t2027-11-26\t509.25
---
借款人应按期归还。"""


def read(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    text = "".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return text.replace("\r\n", "\n")


def test_a_document_prints_its_text_and_how_to_verify_it() -> None:
    text = read(pdf.render_document(title="协商还款协议", text=TEXT, proof=PROOF))

    for wanted in (
        "协商还款协议",
        "一、减免内容",
        "减免罚息 161.50 元",
        "堃䶮𬭎",
        "509.25",
        PROOF.number,
        PROOF.code,
        PROOF.digest,
        "/verify/",
        "第 1 / 1 页",
    ):
        assert wanted in text


def test_a_title_is_not_printed_twice() -> None:
    text = "结清证明\n\n借款人：林晓云\n一、结清\n本金 0.00 元"

    told = read(pdf.render_document(title="结清证明", text=text, proof=PROOF))

    assert told.count("结清证明") == 1
    assert "一、结清" in told
    assert f"核验码：{PROOF.code}" in told


def test_the_same_text_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = pdf.render_document(title="协商还款协议", text=TEXT, proof=PROOF)
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)

    again = pdf.render_document(title="协商还款协议", text=TEXT, proof=PROOF)

    assert first == again


def test_the_letters_are_embedded_as_a_subset() -> None:
    data = pdf.render_document(title="结清证明", text=TEXT, proof=PROOF)

    with pikepdf.open(io.BytesIO(data)) as opened:
        fonts = [thing for thing in opened.objects if isinstance(thing, pikepdf.Dictionary)]
        embedded = [one for one in fonts if "/FontFile3" in one or "/FontFile2" in one]
    assert embedded
    assert len(data) < 200_000


def test_a_long_statement_repeats_its_head_on_each_page() -> None:
    rows = [[f"2026-11-{day:02d}", "罚息", f"{day}.00"] for day in range(1, 29)] * 4

    data = pdf.render_statement(
        "对账单", [("借款编号", "JB20260605-8842")], ["日期", "事项", "金额"], rows, PROOF.lines()
    )

    text = read(data)
    pages = text.count("事项")
    assert pages >= 3
    assert f"第 {pages} / {pages} 页" in text
    assert text.count("28.00") == 4


def test_odd_letters_and_short_rows_do_not_break_a_paper() -> None:
    data = pdf.render_statement(
        "明细", [], [pdf.PaperColumn("项", 2.0), "额"], [["𠮷\u202e田"], []]
    )

    assert "〓田" in read(data)
