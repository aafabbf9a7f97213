"""The text of a paper cut into the blocks of a contract, the same for the page and for the PDF.

Every word stays: what is cut away is only the blank between blocks and cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

WIDE_BLANK = "　"  # parts the cells of a line: 第 1 期　2026-12-24　应还 ¥509.17
_HEADING = re.compile(r"[一二三四五六七八九十]+、")  # 一、欠款
_ROW = re.compile(rf"第 \d+ 期{WIDE_BLANK}")
_FACT = re.compile(
    rf"[^：，。；{WIDE_BLANK}]{{2,14}}：[^{WIDE_BLANK}]+"
)  # 借款人：林小云（138****0001）


class Kind(StrEnum):
    FACTS = "facts"
    HEADING = "heading"
    ROWS = "rows"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class PaperFact:
    """借款人：林小云 is the label 借款人 and the value 林小云."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that are laid out alike."""

    kind: Kind
    lines: tuple[str, ...]

    @property
    def cells(self) -> tuple[tuple[str, ...], ...]:
        """第 1 期, 2026-12-24, 本金 ¥1,024.01, …, 应还 ¥1,053.62 of every row."""
        return tuple(tuple(line.split(WIDE_BLANK)) for line in self.lines)

    @property
    def facts(self) -> tuple[PaperFact, ...]:
        return tuple(PaperFact(*cell.split("：", 1)) for line in self.cells for cell in line)


def blocks_of(text: str) -> Iterator[Block]:
    """Neighbouring lines of one kind; blank lines part them and are gone."""
    for kind, lines in groupby(text.splitlines(), _kind_of):
        if kind is not None:
            yield Block(kind, tuple(lines))


def _kind_of(line: str) -> Kind | None:
    if not line.strip():
        return None
    if _HEADING.match(line):
        return Kind.HEADING
    if _ROW.match(line):
        return Kind.ROWS
    return Kind.FACTS if all(map(_FACT.fullmatch, line.split(WIDE_BLANK))) else Kind.TEXT
