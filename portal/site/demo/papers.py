"""Pictures and PDF files as evidence for the stories; every one says in large letters 演示."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from portal.core.documents import fonts, pdf
from portal.core.documents.blocks import PaperFact
from relief.evidence.files import Upload

WIDTH, HEIGHT, MARGIN = 900, 1200, 80
PAPER, INK, GREY, STAMP = (252, 251, 247), (38, 42, 50), (120, 124, 132), (196, 48, 43)
MADE_ON = date(2026, 10, 1)
NOTE = "演示材料：内容均为虚构，不是真实证件"


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(fonts.HANZI, size, index=fonts.SIMPLIFIED)


def photo(name: str, title: str, lines: Sequence[str]) -> Upload:
    """A paper as if photographed: a JPEG with a title, lines, and a red stamp 演示."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((30, 30, WIDTH - 30, HEIGHT - 30), outline=GREY, width=3)
    draw.text((WIDTH / 2, 130), title, font=_font(52), fill=INK, anchor="mm")
    for row, line in enumerate(lines):
        draw.text((MARGIN, 240 + 64 * row), line, font=_font(30), fill=INK)
    draw.ellipse((590, 860, 810, 1080), outline=STAMP, width=8)
    draw.text((700, 970), "演示", font=_font(64), fill=STAMP, anchor="mm")
    draw.text((WIDTH / 2, HEIGHT - 70), NOTE, font=_font(24), fill=GREY, anchor="mm")
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=85)
    return Upload(name, io.BytesIO(jpeg.getvalue()))


def paper(
    name: str,
    title: str,
    facts: Sequence[tuple[str, str]],
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
) -> Upload:
    """A PDF with heading facts and one table: words, then amounts."""
    table = pdf.TablePaper(
        title=f"{title}（演示）",
        facts=[PaperFact(label, value) for label, value in facts],
        columns=[
            pdf.PaperColumn(label, align="R" if at else "L") for at, label in enumerate(columns)
        ],
        rows=rows,
        notes=[NOTE],
        made_on=MADE_ON,
    )
    return Upload(name, io.BytesIO(pdf.render_statement(table, author="演示")))
