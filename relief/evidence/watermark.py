"""Who looks is written across what they look at: name, number and time on every picture."""

from __future__ import annotations

import io
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from portal.core.documents import fonts

QUALITY = 88
TILE_TEXT = 40  # pixels a letter of the tile that is laid over the pages of a PDF
INK = (90, 96, 110, 78)


def stamp(picture: bytes, label: str) -> bytes:
    """The picture (one of our own checked JPEGs) as a JPEG of the same size with `label` across it."""
    with Image.open(io.BytesIO(picture), formats=("JPEG",)) as opened:
        page = opened.convert("RGB")
    size = max(14, max(page.size) // 60)
    mark = _tile(label, size)
    for row, top in enumerate(range(-mark.height // 3, page.height, mark.height)):
        shift = -(mark.width // 2) * (row % 2)
        for left in range(shift, page.width, mark.width):
            page.paste(mark, (left, top), mark)
    out = io.BytesIO()
    page.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def tile(label: str) -> Image.Image:
    """`label` once, transparent: what a PDF lays over each of its pages."""
    return _tile(label, TILE_TEXT)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(fonts.HANZI, size, index=fonts.SIMPLIFIED)


def _tile(label: str, size: int) -> Image.Image:
    """The label once, slanted, with air around it."""
    font = _font(size)
    left, top, right, bottom = font.getbbox(label)
    width, height = int(right - left) + 4 * size, int(bottom - top) + 5 * size
    flat = Image.new("RGBA", (width, height), (255, 255, 255, 0))
    ImageDraw.Draw(flat).text((2 * size, 2 * size), label, font=font, fill=INK)
    return flat.rotate(18, expand=True, resample=Image.Resampling.BILINEAR)
