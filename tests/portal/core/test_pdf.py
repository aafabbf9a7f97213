"""Papers: contracts as PDF/A-2a whose every letter is there, made anew byte for byte."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date

import pikepdf
import pypdfium2
import pytest
import zxingcpp

from portal.core.documents import pdf
from portal.core.documents.blocks import Kind, PaperFact, blocks_of

PROOF = pdf.Proof(
    number="XY20261126-0017",
    code="A2B3C4D5E6",
    digest="9f" * 32,
    issued_on=date(2026, 11, 26),
    issued="2026-11-26 16:30",
    address="https://relief.example/verify/?code=A2B3C4D5E6",
)
SEALS = {"出借人": (), "借款人": ("确认时间",), "担保人": ()}
TEXT = """协商还款协议
协议编号：XY20261126-0017　借款：JB20260605-8842
出借人：某某消费金融有限公司（统一社会信用代码 91310000MA1FL5AB0X，地址：某市某路）
借款人：林𠮷䶮（138****0001）

一、减免内容
减免罚息 ¥161.50，其余按新还款计划归还，截至 2026年11月26日。
二、新还款计划
第 1 期　2026-12-26　本金 ¥500.00　应还 ¥509.17
第 2 期　2027-01-26　本金 ¥500.00　利息 ¥9.25　应还 ¥509.25
三、其他
借款人应按期归还。

确认时间：2026年11月26日 15:40"""
RARE = {
    "𠮷 of Extension B": "林𠮷",
    "䶮 of Extension A and 𬭎 of E": "堃䶮𬭎",
    "a name of Xinjiang with its middle dot": "阿依古丽·买买提",
    "Latin letters with marks": "Zoë Łukasz Nguyễn",
    "Cyrillic": "Қайрат",
}


def agreement(text: str = TEXT) -> bytes:
    return pdf.render_document(
        title="协商还款协议", author="某某消费金融有限公司", text=text, seals=SEALS, proof=PROOF
    )


def statement(rows: list[list[str]], *columns: pdf.PaperColumn) -> bytes:
    told = pdf.TablePaper(
        "对账单", [PaperFact("借款人", "林小云")], columns, rows, ["到此为止。"], date(2026, 11, 26)
    )
    return pdf.render_statement(told, author="某某消费金融有限公司")


def pages(data: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(data)
    texts = [page.get_textpage().get_text_range() for page in document]
    document.close()
    return texts


def read(data: bytes) -> str:
    return "".join(pages(data)).replace("\r\n", "\n")


def test_an_agreement_names_its_parties_and_prints_its_terms() -> None:
    text = read(agreement())

    for wanted in (
        "某某消费金融有限公司",
        "91310000MA1FL5AB0X，地址：某市某路",
        "林𠮷䶮",
        "138****0001",
        "一、减免内容",
        "减免罚息 ¥161.50，其余按新还款计划归还，截至 2026年11月26日。",
        PROOF.number,
        PROOF.code,
        PROOF.digest,
        "https://relief.example/verify/",
        f"{PROOF.number} · 核验码 {PROOF.code}",
        "第 1 / 1 页",
    ):
        assert wanted in text
    assert text.count("协商还款协议") == 1
    assert "期次 还款日 本金 利息 应还" in text
    assert "第 1 期 2026-12-26 ¥500.00 — ¥509.17" in text
    assert "借款人（签章）" in text
    assert "确认时间：2026年11月26日 15:40" in text
    assert "担保人" not in text  # nobody whom the text does not name


@pytest.mark.parametrize("name", RARE.values(), ids=RARE)
def test_a_rare_name_is_printed_as_it_is_written(name: str) -> None:
    data = agreement(TEXT.replace("林𠮷䶮", name))

    assert name in read(data)
    assert pdf.UNKNOWN not in read(data)


def test_a_rare_letter_is_drawn_and_not_a_box() -> None:
    """Each of them has ink, and looks like none of the others."""
    letters = "吉𠮷䶮𬭎丌Łۇ"

    looks = [_drawn(letter) for letter in letters]

    assert len(set(looks)) == len(letters)
    assert all(min(look) < 64 for look in looks)


def _drawn(letter: str) -> bytes:
    """The pixels right of a hanzi that stands before the letter: as wide as a hanzi."""
    document = pypdfium2.PdfDocument(statement([[f"甲{letter}"]], pdf.PaperColumn("字")))
    page, text = document[0], document[0].get_textpage()
    at, _ = text.search("甲").get_next()
    left, bottom, right, top = text.get_charbox(at)
    width, height = page.get_size()
    box = (right + 0.5, bottom - 2, width - right - (right - left) - 1, height - top - 2)
    drawn = bytes(page.render(scale=6, crop=box, grayscale=True).to_pil().tobytes())
    text.close()
    page.close()
    document.close()
    return drawn


def test_names_in_uyghur_letters_stand_before_what_follows_them() -> None:
    data = agreement(TEXT.replace("林𠮷䶮", "ئابدۇللا"))

    assert pdf.UNKNOWN not in read(data)
    assert "138****0001" in read(data)


def test_a_letter_no_font_has_is_written_by_its_number() -> None:
    text = read(agreement(TEXT.replace("林𠮷䶮", "林\U00020000")))

    assert "林〔U+20000〕" in text
    assert pdf.NOT_IN_FONTS in text
    assert "〓" not in text


def test_marks_that_nobody_sees_are_left_out() -> None:
    told = statement([["林\u202e小\ufe0f云\u200b"]], pdf.PaperColumn("姓名"))

    assert "\n林小云\n" in read(told)


def test_words_are_never_read_as_markup() -> None:
    words = '#panic("x") *b* _i_ $x$ `raw` @ref <label> \\ // "quoted"'

    assert words in read(statement([[words]], pdf.PaperColumn("事由")))


def test_the_code_is_read_by_a_camera() -> None:
    document = pypdfium2.PdfDocument(agreement())
    picture = document[len(document) - 1].render(scale=2).to_pil()
    document.close()

    (found,) = zxingcpp.read_barcodes(picture)

    assert found.text == PROOF.address


def test_the_same_text_gives_the_same_bytes_in_another_process_on_another_day() -> None:
    script = (
        "import sys, time; time.time = lambda: 4e9\n"
        "from tests.portal.core.test_pdf import agreement\n"
        "sys.stdout.buffer.write(agreement())"
    )

    elsewhere = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    assert elsewhere.stdout == agreement()


@pytest.mark.parametrize(
    "make",
    [agreement, lambda: statement([["一"]], pdf.PaperColumn("项"))],
    ids=["agreement", "statement"],
)
def test_a_paper_is_pdf_a_2a_and_pdf_ua_1(make: Callable[[], bytes]) -> None:
    """What veraPDF would look at first; the typesetter refuses to write a paper that breaks the rest."""
    data = make()
    with pikepdf.open(io.BytesIO(data)) as opened:
        root = opened.Root
        metadata = root.Metadata.read_bytes().decode()
        assert "<pdfaid:part>2<" in metadata
        assert "<pdfaid:conformance>A<" in metadata
        assert "<pdfuaid:part>1<" in metadata
        assert [str(intent.S) for intent in root.OutputIntents] == ["/GTS_PDFA1"]
        assert root.OutputIntents[0].DestOutputProfile.N == 3
        assert root.MarkInfo.Marked
        assert str(root.Lang) == "zh-CN"
        assert root.ViewerPreferences.DisplayDocTitle
        assert "/Encrypt" not in opened.trailer
        assert "/Names" not in root or "/JavaScript" not in root.Names
        descriptors = [
            thing
            for thing in opened.objects
            if isinstance(thing, pikepdf.Dictionary) and thing.get("/Type") == "/FontDescriptor"
        ]
        assert descriptors
        assert all("/FontFile2" in one or "/FontFile3" in one for one in descriptors)
        fonts = [
            thing
            for thing in opened.objects
            if isinstance(thing, pikepdf.Dictionary) and thing.get("/Subtype") == "/Type0"
        ]
        assert fonts
        assert all("/ToUnicode" in font for font in fonts)
        for page in opened.pages:
            group = page.get("/Group")
            assert group is None or group.CS
    assert len(data) < 200_000


def test_headings_are_bookmarks_and_tags_say_what_is_what() -> None:
    with pikepdf.open(io.BytesIO(agreement())) as opened:
        with opened.open_outline() as outline:
            titles = [item.title for item in outline.root]
        tags = {str(tag) for tag in _tags(opened.Root.StructTreeRoot.K)}
        figures = [one for one in _elements(opened.Root.StructTreeRoot.K) if one.S == "/Figure"]
        alternatives = [str(figure.Alt) for figure in figures]

    assert titles == ["一、减免内容", "二、新还款计划", "三、其他", "核验"]
    assert {"/Title", "/H1", "/P", "/Table", "/TR", "/TH", "/TD", "/Figure"} <= tags
    assert alternatives == [f"核验二维码：{PROOF.address}"]


def _elements(node: pikepdf.Object) -> list[pikepdf.Dictionary]:
    if isinstance(node, pikepdf.Array):
        return [one for child in node for one in _elements(child)]
    if not isinstance(node, pikepdf.Dictionary) or "/S" not in node:
        return []
    return [node, *_elements(node.get("/K", pikepdf.Array()))]


def _tags(node: pikepdf.Object) -> list[pikepdf.Name]:
    return [one.S for one in _elements(node)]


def test_a_long_statement_repeats_its_head_on_each_page() -> None:
    rows = [[f"2026-11-{day:02d}", "罚息", f"{day}.00"] for day in range(1, 29)] * 4

    told = pages(
        statement(rows, *(pdf.PaperColumn(label) for label in ("日期", "事项", "金额（元）")))
    )

    assert len(told) >= 3
    assert all(f"第 {number} / {len(told)} 页" in page for number, page in enumerate(told, 1))
    assert all("日期 事项 金额（元）" in page for page in told if "罚息" in page)
    assert sum(page.count("28.00") for page in told) == 4


def test_a_short_row_ends_in_empty_cells() -> None:
    data = statement([["只有一格"], []], pdf.PaperColumn("项", 2.0), pdf.PaperColumn("额"))

    assert "只有一格" in read(data)


def test_a_text_is_cut_into_blocks_without_losing_a_word() -> None:
    blocks = list(blocks_of(TEXT))

    assert "".join("".join(block.lines) for block in blocks) == TEXT.replace("\n", "")
    assert [block.kind for block in blocks[1:4]] == [Kind.FACTS, Kind.HEADING, Kind.TEXT]
    assert blocks[1].facts[:2] == (
        PaperFact("协议编号", "XY20261126-0017"),
        PaperFact("借款", "JB20260605-8842"),
    )
    assert not [line for line in blocks[3].lines if re.fullmatch(r"第 \d+ 期.*", line)]
