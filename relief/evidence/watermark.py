"""Who looks is written across what they look at: name, number and time on every picture."""

from __future__ import annotations

import io
from functools import lru_cache

import pylopdf_fonts_zh_cn
from PIL import Image, ImageDraw, ImageFont

VIEW_SIDE = 2_400  # pixels; what staff see on the screen
QUALITY = 84
INK = (90, 96, 110, 78)


def stamp(picture: bytes, label: str) -> bytes:
    """The picture (one of our own checked JPEGs) as a JPEG with `label` across it."""
    with Image.open(io.BytesIO(picture), formats=("JPEG",)) as opened:
        opened.thumbnail((VIEW_SIDE, VIEW_SIDE))
        page = opened.convert("RGB")
    size = max(14, max(page.size) // 60)
    tile = _tile(label, size)
    for row, top in enumerate(range(-tile.height // 3, page.height, tile.height)):
        shift = -(tile.width // 2) * (row % 2)
        for left in range(shift, page.width, tile.width):
            page.paste(tile, (left, top), tile)
    out = io.BytesIO()
    page.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(pylopdf_fonts_zh_cn.sans_path()), size)


def _tile(label: str, size: int) -> Image.Image:
    """The label once, slanted, with air around it."""
    font = _font(size)
    left, top, right, bottom = font.getbbox(label)
    width, height = int(right - left) + 4 * size, int(bottom - top) + 5 * size
    flat = Image.new("RGBA", (width, height), (255, 255, 255, 0))
    ImageDraw.Draw(flat).text((2 * size, 2 * size), label, font=font, fill=INK)
    return flat.rotate(18, expand=True, resample=Image.Resampling.BILINEAR)
