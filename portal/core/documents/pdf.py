"""The only module that knows a PDF library: papers with embedded Chinese letters, made from text.

The same input gives the same bytes, so a paper can be made again at any time. Text blocks: a line
that begins with "## " or is numbered 一、 is a heading, lines with tabs are one table (the first is
its head), "---" is a rule, everything else is a paragraph. A first line that repeats the title is
left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fpdf import FPDF

FONT = "NotoSansSC"
BODY, SMALL, HEAD, TITLE = 10, 8, 12, 17  # points
LINE = 6.0  # millimetres
NUMBERED = re.compile(r"[一二三四五六七八九十]+、")  # 一、欠款: a heading of the agreement's text
MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)  # never the clock: the paper is a function of its text
INK, GREY, RULE, SHADE = (29, 33, 41), (100, 106, 115), (222, 224, 227), (245, 246, 247)


@dataclass(frozen=True)
class PaperColumn:
    """One column of a table; `width` is a share, `align` is L, C or R."""

    label: str
    width: float = 1.0
    align: str = "L"


@dataclass(frozen=True)
class Proof:
    """What a reader needs to check a paper: its number, code and the digest of its content."""

    number: str
    code: str
    digest: str
    issued: str

    def lines(self) -> tuple[str, ...]:
        return (
            f"编号：{self.number}　核验码：{self.code}　出具时间：{self.issued}",
            f"内容摘要（SHA-256）：{self.digest}",
            "核验方法：打开宽息网站的 /verify/ 页面，输入核验码，核对编号与内容摘要。"
            "核验页不显示本人姓名。",
        )


def render_document(*, title: str, text: str, proof: Proof) -> bytes:
    """A paper (agreement, certificate) from its stored text; prints its proof at the end.

    Raises nothing for odd letters: a sign the font lacks is printed as 〓.
    """
    paper = _new_paper(title, f"{proof.number} · 核验码 {proof.code}")
    _title(paper, title, [("编号", proof.number), ("出具时间", proof.issued)])
    first_line, _, body = text.partition("\n")
    for kind, lines in _blocks(body if first_line.strip() == title else text):
        if kind == "table":
            rows = [line.split("\t") for line in lines]
            _table(paper, [_column(label) for label in rows[0]], rows[1:])
        elif kind == "heading":
            _heading(paper, lines[0].removeprefix("## ").strip())
        elif kind == "rule":
            _rule(paper)
        else:
            _paragraph(paper, "\n".join(lines))
    _proof(paper, proof.lines())
    return bytes(paper.output())


def render_statement(
    title: str,
    meta: Sequence[tuple[str, str]],
    columns: Sequence[PaperColumn | str],
    rows: Sequence[Sequence[str]],
    footer: Sequence[str] | str = (),
) -> bytes:
    """A table on paper (对账单, 罚息明细): heading facts, rows, and closing lines.

    Cells are texts, already formatted; `footer` may be Proof.lines(). A row shorter than the
    columns is filled with empty cells.
    """
    paper = _new_paper(title, title)
    _title(paper, title, meta)
    _table(paper, [_column(column) for column in columns], rows)
    lines = [footer] if isinstance(footer, str) else list(footer)
    _proof(paper, [line for line in lines if line])
    return bytes(paper.output())


def _column(column: PaperColumn | str) -> PaperColumn:
    """A column from its label alone: sums and numbers to the right."""
    if isinstance(column, PaperColumn):
        return column
    money = column.endswith(("元）", "额", "元", "金", "息", "计")) or "金额" in column
    return PaperColumn(column, align="R" if money else "L")


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """Cut a text into (kind, lines); a blank line ends a paragraph."""

    def kind_of(line: str) -> str:
        if not line.strip():
            return "blank"
        if line.startswith("## ") or NUMBERED.match(line):
            return "heading"
        if line.strip() == "---":
            return "rule"
        return "table" if "\t" in line else "text"

    for kind, group in groupby(text.splitlines(), kind_of):
        lines = list(group)
        if kind in {"heading", "rule"}:
            yield from ((kind, [line]) for line in lines)
        elif kind != "blank":
            yield kind, lines


def _new_paper(title: str, foot: str) -> FPDF:
    """An empty A4 paper with the font embedded and page numbers at the foot."""
    import fpdf
    import pylopdf_fonts_zh_cn

    class Paper(fpdf.FPDF):
        def footer(self) -> None:
            self.set_y(-14)
            self.set_font(FONT, size=SMALL)
            self.set_text_color(*GREY)
            self.cell(0, 5, foot, align="L")
            self.set_x(self.l_margin)
            self.cell(0, 5, f"第 {self.page_no()} / {{nb}} 页", align="R")

    paper = Paper(format="A4")
    paper.set_creation_date(MADE_AT)
    paper.set_title(title)
    paper.set_producer("kuanxi")
    paper.set_lang("zh-CN")
    paper.set_margins(18, 16, 18)
    paper.set_auto_page_break(True, margin=20)
    paper.add_font(FONT, fname=str(pylopdf_fonts_zh_cn.sans_path()))
    paper.add_page()
    return paper


def _title(paper: FPDF, title: str, meta: Sequence[tuple[str, str]]) -> None:
    paper.set_text_color(*INK)
    paper.set_font(FONT, size=TITLE)
    _write(paper, title, height=10)
    paper.set_font(FONT, size=BODY)
    for label, value in meta:
        paper.set_text_color(*GREY)
        paper.cell(30, LINE, label)
        paper.set_text_color(*INK)
        _write(paper, str(value))
    _rule(paper)


def _heading(paper: FPDF, text: str) -> None:
    paper.ln(2)
    paper.set_font(FONT, size=HEAD)
    paper.set_text_color(*INK)
    _write(paper, text, height=8)


def _paragraph(paper: FPDF, text: str) -> None:
    paper.set_font(FONT, size=BODY)
    paper.set_text_color(*INK)
    _write(paper, text)
    paper.ln(1.5)


def _printable(paper: FPDF, text: str) -> str:
    """The text with every sign the font lacks shown as 〓 instead of silently left out."""
    font: Any = paper.fonts[FONT.lower()]
    known_signs = font.cmap
    return "".join(
        sign if sign == "\n" or ord(sign) in known_signs else "〓"
        for sign in text
        if unicodedata.category(sign) != "Cf"
    )


def _write(paper: FPDF, text: str, *, height: float = LINE) -> None:
    from fpdf.enums import WrapMode, XPos, YPos

    paper.multi_cell(
        0,
        height,
        _printable(paper, text),
        align="L",
        wrapmode=WrapMode.CHAR,  # Chinese has no spaces to break at
        new_x=XPos.LMARGIN,
        new_y=YPos.NEXT,
    )


def _rule(paper: FPDF) -> None:
    paper.ln(2)
    paper.set_draw_color(*RULE)
    paper.line(paper.l_margin, paper.get_y(), paper.w - paper.r_margin, paper.get_y())
    paper.ln(3)


def _table(paper: FPDF, columns: Sequence[PaperColumn], rows: Sequence[Sequence[str]]) -> None:
    """A table whose head repeats on every page."""
    from fpdf.enums import TableBordersLayout, WrapMode
    from fpdf.fonts import FontFace

    paper.set_font(FONT, size=SMALL if len(columns) > 5 else BODY - 1)
    paper.set_text_color(*INK)
    paper.set_draw_color(*RULE)
    head = FontFace(emphasis="", color=GREY, fill_color=SHADE)
    arguments: dict[str, Any] = {
        "borders_layout": TableBordersLayout.HORIZONTAL_LINES,
        "col_widths": [column.width for column in columns],
        "text_align": tuple(column.align for column in columns),
        "headings_style": head,
        "line_height": LINE,
        "padding": (0.6, 1.2, 0.6, 1.2),  # top, right, bottom, left
        "wrapmode": WrapMode.CHAR,
    }
    with paper.table(**arguments) as table:
        table.row([_printable(paper, column.label) for column in columns])
        for cells in rows:
            filled = [_printable(paper, str(cell)) for cell in cells][: len(columns)]
            table.row(filled + [""] * (len(columns) - len(filled)))
    paper.ln(2)


def _proof(paper: FPDF, lines: Sequence[str]) -> None:
    if not lines:
        return
    _rule(paper)
    paper.set_font(FONT, size=SMALL)
    paper.set_text_color(*GREY)
    for line in lines:
        _write(paper, line, height=4.6)
