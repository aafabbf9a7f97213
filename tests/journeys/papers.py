"""Real files to upload: a photographed bill (JPEG) and an income certificate (PDF)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from fpdf import FPDF
from PIL import Image, ImageDraw


def jpeg(folder: Path, text: str) -> Path:
    """A page of paper on a table, 1,200 × 1,600, as a phone would take it."""
    picture = Image.new("RGB", (1200, 1600), (236, 232, 222))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((90, 90, 1110, 1510), fill=(255, 255, 252), outline=(90, 90, 90), width=4)
    for row in range(12):
        draw.text((150, 180 + row * 100), f"DEMO {text} {row + 1:02d} .......... {row * 137}.40")
    path = folder / f"{text}.jpg"
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    path.write_bytes(buffer.getvalue())
    return path


def pdf(folder: Path, text: str) -> Path:
    """Two pages of plain text."""
    paper = FPDF()
    for page in (1, 2):
        paper.add_page()
        paper.set_font("Helvetica", size=14)
        paper.cell(text=f"DEMO {text}, page {page} of 2")
    path = folder / f"{text}.pdf"
    path.write_bytes(bytes(paper.output()))
    return path
