"""The only module that knows how a PDF is made: papers as PDF/A-2a and PDF/UA-1, typeset by typst.

The same words give the same bytes, so a paper can be made again at any time. Headings become
bookmarks, tables and paragraphs are tagged, every font is embedded. A letter that no font of the
house has is written as its number, 〔U+20000〕, and the paper says so at its end: a name is never
left out, nor replaced by a sign that could mean anybody.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import segno
import typst

from portal.core.documents import fonts
from portal.core.documents.blocks import Block, Kind, PaperFact, blocks_of

STANDARDS: list[typst.PDFStandard] = ["a-2a", "ua-1"]
LAYOUT = Path(__file__).with_name("paper.typ")
UNKNOWN = "〔U+"
NOT_IN_FONTS = f"{UNKNOWN}……〕是字库里没有的字，按它的 Unicode 编号写出。"
_NAME_AND_DETAIL = re.compile(r"(.+?)（(.+)）")  # 林小云（138****0001）
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]+(?: [\u0590-\u08ff]+)*")
_LEFT_TO_RIGHT_MARK = (
    "\u200e"  # after a name in Uyghur letters: the digits that follow stay behind it
)
SUM = "应还"  # the last column of a plan, whatever a later row has that the first had not


@dataclass(frozen=True)
class PaperColumn:
    """One column of a table; `width` is a share, `align` is L or R."""

    label: str
    width: float = 1.0
    align: str = "L"


@dataclass(frozen=True)
class Proof:
    """What a reader needs to check a paper: number, code, digest of its content, and where."""

    number: str
    code: str
    digest: str
    issued_on: date
    issued: str
    address: str  # of the page that checks the code

    def facts(self) -> tuple[PaperFact, ...]:
        return (
            PaperFact("编号", self.number),
            PaperFact("核验码", self.code),
            PaperFact("出具时间", self.issued),
            PaperFact("内容摘要", f"SHA-256 {self.digest}"),
        )


@dataclass(frozen=True)
class TablePaper:
    """A table on paper (对账单, 罚息明细): who and what it is about, rows, and closing lines.

    Cells are words, already formatted; a row shorter than the columns ends in empty cells.
    """

    title: str
    facts: Sequence[PaperFact]
    columns: Sequence[PaperColumn]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    made_on: date


def render_document(
    *, title: str, author: str, text: str, seals: Mapping[str, Sequence[str]], proof: Proof
) -> bytes:
    """A paper (agreement, certificate) from its stored text, with places to seal and its proof.

    `seals` names the parties that seal or sign it and the facts that stand beside their seal:
    {"出借人": (), "借款人": ("确认时间", "确认方式")}; one whom the text does not name gets no
    place. A first line that repeats the title is left out.
    """
    first_line, _, body = text.partition("\n")
    blocks = list(blocks_of(body if first_line.strip() == title else text))
    stated = {
        fact.label: fact.value
        for block in blocks
        if block.kind is Kind.FACTS
        for fact in block.facts
    }
    return _typeset(
        title=title,
        author=author,
        made_on=proof.issued_on,
        foot=f"{proof.number} · 核验码 {proof.code}",
        parts=[_part(block) for block in blocks],
        seals=[_seal(party, stated, beside) for party, beside in seals.items() if party in stated],
        proof={
            "heading": "核验",
            "facts": [_fact(fact) for fact in proof.facts()],
            "how": f"核验方法：扫描二维码，或打开 {proof.address.partition('?')[0]} 输入核验码，"
            "核对编号与内容摘要。核验页不显示本人姓名。",
            "qr": segno.make(proof.address, error="m", micro=False).svg_inline(border=2, scale=4),
            "alt": f"核验二维码：{proof.address}",
        },
    )


def render_statement(statement: TablePaper, *, author: str) -> bytes:
    """The statement as PDF; its head is on every page."""
    columns, count = statement.columns, len(statement.columns)
    rows = [[*row, *[""] * (count - len(row))][:count] for row in statement.rows]
    return _typeset(
        title=statement.title,
        author=author,
        made_on=statement.made_on,
        foot=statement.title,
        parts=[
            {"kind": Kind.FACTS, "facts": [_fact(fact) for fact in statement.facts]},
            {"kind": "table", "columns": [asdict(column) for column in columns], "rows": rows},
        ],
        notes=list(statement.notes),
    )


def _typeset(*, made_on: date, notes: Sequence[str] = (), **words: Any) -> bytes:
    paper = _printable({"seals": [], "proof": None, **words, "notes": notes})
    if UNKNOWN in json.dumps(paper, ensure_ascii=False):
        paper["notes"].append(NOT_IN_FONTS)
    paper |= {"fonts": fonts.FAMILIES, "made_on": [made_on.year, made_on.month, made_on.day]}
    compiler = typst.Compiler(font_paths=_fonts(), ignore_system_fonts=True)
    made = compiler.compile(
        LAYOUT.read_bytes(),
        format="pdf",
        sys_inputs={"paper": json.dumps(paper)},
        pdf_standards=STANDARDS,
    )
    assert isinstance(made, bytes)
    return made


@cache
def _fonts() -> typst.Fonts:
    folders = [str(folder) for folder in fonts.FOLDERS]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


def _part(block: Block) -> dict[str, Any]:
    if block.kind is Kind.HEADING:
        return {"kind": block.kind, "text": block.lines[0]}
    if block.kind is Kind.FACTS:
        return {"kind": block.kind, "facts": [_fact(fact) for fact in block.facts]}
    if block.kind is Kind.ROWS:
        return {"kind": "table", **_plan(block)}
    return {"kind": block.kind, "lines": block.lines}


def _plan(block: Block) -> dict[str, Any]:
    """The rows of a plan as a table: 本金 ¥1,024.01 stands as ¥1,024.01 under 本金."""
    plan = []
    for number, due_on, *amounts in block.cells:
        words = (cell.rpartition(" ") for cell in amounts)
        plan.append({"期次": number, "还款日": due_on, **{label: sum_ for label, _, sum_ in words}})
    seen = dict.fromkeys(label for row in plan for label in row)
    labels = [*(label for label in seen if label != SUM), SUM]
    columns = [PaperColumn(label, 1.0, "L" if n < 2 else "R") for n, label in enumerate(labels)]
    return {
        "columns": [asdict(column) for column in columns],
        "rows": [[row.get(label, "—") for label in labels] for row in plan],
    }


def _fact(fact: PaperFact) -> dict[str, str]:
    parts = _NAME_AND_DETAIL.fullmatch(fact.value)
    name, detail = parts.groups() if parts else (fact.value, "")
    return {"label": fact.label, "name": name, "detail": detail}


def _seal(party: str, stated: Mapping[str, str], beside: Sequence[str]) -> dict[str, Any]:
    notes = [f"{label}：{stated[label]}" for label in beside if label in stated]
    name = _fact(PaperFact(party, stated[party]))["name"]
    return {"role": f"{party}（签章）", "name": name, "notes": notes}


def _printable(words: Any) -> Any:
    """The same structure with every text in letters that the fonts have."""
    if isinstance(words, dict):
        return {name: value if name == "qr" else _printable(value) for name, value in words.items()}
    if isinstance(words, list | tuple):
        return [_printable(value) for value in words]
    return _written(words) if isinstance(words, str) else words


def _written(text: str) -> str:
    known = fonts.letters()
    shown = "".join(
        sign if ord(sign) in known else f"{UNKNOWN}{ord(sign):04X}〕"
        for sign in unicodedata.normalize("NFC", text)
        if not _is_unseen(sign)
    )
    return _RIGHT_TO_LEFT.sub(lambda name: name[0] + _LEFT_TO_RIGHT_MARK, shown)


def _is_unseen(sign: str) -> bool:
    """Marks of direction and of form, which no letter needs here, and control characters."""
    return unicodedata.category(sign) in {"Cc", "Cf"} or "VARIATION SELECTOR" in unicodedata.name(
        sign, ""
    )
