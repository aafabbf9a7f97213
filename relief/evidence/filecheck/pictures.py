"""Pictures as evidence: taken as sharp as they were sent, they come out as plain JPEG pages.

Runs only inside the limited process of relief.evidence.filecheck; imports no Django. Nothing here holds
more than the decoded picture and one page at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Union

from relief.evidence.filecheck.bundle import write_bundle
from relief.evidence.filecheck.pages import PAGE_SIDE, Pages, Refused

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_PIXELS = 64_200_000  # what a camera sells as 64 MP is 9248 × 6936
MAX_SIDE = 65_500  # of a long screenshot; JPEG itself ends at 65,535
LONG_RATIO = 2.5  # above it a picture is a long one; the whole screen of a phone is at most 2.4
REDUCED_SIDE = 4_000  # a JPEG whose half has this much is not decoded whole for the last 2 %
SCREEN_RATIO = 2.2  # of a page cut from a long picture: the height of a screen
SCREEN_LEAST = 1_600
BLANK = 24  # of 255: how much the pixels between two lines of text may differ
GAP = 6  # pixels between two lines of text, at least
MAX_SCANS = 100
MAX_SCANNED_PIXELS = 1_500_000_000  # pixels × scans of a JPEG; 64 MP in 20 scans is ordinary
BAND = 256  # rows that are scaled at a time
FORMATS = ("JPEG", "PNG", "WEBP")

Box = tuple[int, int, int, int]  # left, top, right, bottom


class HeicRows:
    """A decoded HEIC, of which rows can be cut; as a picture of Pillow it would be in memory twice."""

    def __init__(self, decoded: Any) -> None:
        self.size: tuple[int, int] = decoded.size
        self.mode: str = decoded.mode
        self._rows, self._stride = memoryview(decoded.data), decoded.stride

    def crop(self, box: Box) -> Picture:
        from PIL import Image

        left, top, right, bottom = box
        size = (self.size[0], bottom - top)
        rows = self._rows[top * self._stride : bottom * self._stride]
        band = Image.frombytes(self.mode, size, rows, "raw", self.mode, self._stride)
        return band.crop((left, 0, right, bottom - top))


Decoded = Union["Picture", HeicRows]


def check_picture(kind: str, folder: Path, pages: Pages) -> dict[str, object]:
    """Decode the first picture of the file, turn it upright, and draw it as one page or several."""
    drawn, is_sharp, dropped = (_heic if kind == "heic" else _plain_picture)(folder / "in")
    for page in drawn:
        pages.add(page, is_sharp=is_sharp)
    if len(pages.sizes) == 1:
        return {"content_type": "image/jpeg", "dropped": dropped}
    with (folder / "copy").open("wb") as copy:
        write_bundle(copy, pages.for_bundle())
    return {"content_type": "application/pdf", "dropped": dropped}


Drawn = tuple[
    Iterator["Picture"], bool, list[str]
]  # pages, whether lines in them are thin, dropped


def _heic(path: Path) -> Drawn:
    """libheif turns it upright itself."""
    import pillow_heif

    pillow_heif.options.DECODE_THREADS = 1
    decoded = pillow_heif.open_heif(path, convert_hdr_to_8bit=True)
    check_size(*decoded.size)
    return draw(HeicRows(decoded)), False, []


def _plain_picture(path: Path) -> Drawn:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # our own limits are checked below
    opened = Image.open(path, formats=FORMATS)
    check_size(*opened.size)
    if opened.format in {"JPEG", "MPO"}:
        with path.open("rb") as jpeg:
            check_scans(jpeg, opened.width * opened.height)
        _decode_reduced(opened)
        return draw(opened, _orientation(opened)), False, []
    has_frames = getattr(opened, "n_frames", 1) > 1
    return draw(opened, _orientation(opened)), True, ["frames"] if has_frames else []


def check_size(width: int, height: int) -> None:
    """Refuse by the header alone, before a single pixel is decoded."""
    if width < 1 or height < 1:
        raise Refused("unreadable")
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise Refused("too_many_pixels")


def check_scans(jpeg: BinaryIO, pixels: int) -> None:
    """Refuse a progressive JPEG that would be drawn for ever, by counting the markers of its scans.

    Each scan passes over all pixels: 318 KB took 12 seconds. The two bytes stand nowhere else in the data.
    """
    scans, last = 0, b""
    while piece := jpeg.read(1024 * 1024):
        scans += (last + piece).count(b"\xff\xda")
        last = piece[-1:]
    if scans > MAX_SCANS or scans * pixels > MAX_SCANNED_PIXELS:
        raise Refused("too_heavy")


def _decode_reduced(jpeg: Picture) -> None:
    """Let a JPEG photograph be decoded at a half, quarter or eighth where its page needs no more."""
    if is_long(*jpeg.size):
        return
    for divisor in (8, 4, 2):
        if max(jpeg.size) // divisor >= REDUCED_SIDE:
            jpeg.draft(None, (jpeg.width // divisor, jpeg.height // divisor))
            return


def _orientation(picture: Picture) -> int:
    """How the camera was held (EXIF, 1 to 8); nonsense there is no reason to refuse a picture."""
    try:
        value = picture.getexif().get(0x0112, 1)
    except Exception:  # whatever a broken block of EXIF makes the parser raise
        return 1
    return value if value in range(2, 9) else 1


def is_long(width: int, height: int) -> bool:
    return max(width, height) > LONG_RATIO * min(width, height)


@dataclass(frozen=True)
class Layout:
    """How a picture becomes pages: scaled by `scale`, and cut about every `step` of its own pixels."""

    scale: float
    step: int


def layout(width: int, height: int) -> Layout:
    """A photograph keeps up to 4,096 pixels of its long side; a long picture its short side, in pages.

    By the exact ratio: 8160×6120 → 4096×3072; 1080×9000 → four pages, each 1080 wide.
    """
    long, short = max(width, height), min(width, height)
    if not is_long(width, height):
        return Layout(min(1.0, PAGE_SIDE / long), long)
    scale = min(1.0, PAGE_SIDE / short)
    screen = min(max(short * scale * SCREEN_RATIO, SCREEN_LEAST), PAGE_SIDE)
    return Layout(scale, int(screen / scale))


def draw(picture: Decoded, orientation: int = 1) -> Iterator[Picture]:
    """The pages of a picture, upright, as RGB, without EXIF, text or profile."""
    if not isinstance(picture, HeicRows):
        picture.load()
    plan = layout(*picture.size)
    is_cut = plan.step < max(picture.size)
    if is_cut and not isinstance(picture, HeicRows):
        picture = _upright(picture, orientation)  # before, so that the first page is the top one
    for box in _cuts(picture, plan.step):
        page = _scaled(picture, box, plan.scale)
        yield page if is_cut else _upright(page, orientation)


def _upright(picture: Picture, orientation: int) -> Picture:
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return picture.transpose(turns[orientation]) if orientation in turns else picture


def _cuts(picture: Decoded, step: int) -> Iterator[Box]:
    """Where the pages of a picture lie, along its longer side; nothing is lost and nothing twice."""
    width, height = picture.size
    is_tall = height >= width
    length, start = max(width, height), 0
    while start < length:
        count = math.ceil((length - start) / step)
        end = start + math.ceil((length - start) / count)
        if count > 1:
            end = _between_lines(picture, end, end - step // 8, is_tall=is_tall)
        yield (0, start, width, end) if is_tall else (start, 0, end, height)
        start = end


def _between_lines(picture: Decoded, end: int, least: int, *, is_tall: bool) -> int:
    """The last place from `least` to `end` where nothing is written, so that no line is cut; or `end`."""
    width, height = picture.size
    for place in range(end, least, -2):
        before, after = place - GAP // 2, place + GAP // 2
        box = (0, before, width, after) if is_tall else (before, 0, after, height)
        grey = _plain_rgb(picture.crop(box)).convert("L").tobytes()
        if max(grey) - min(grey) <= BLANK:
            return place
    return end


def _scaled(picture: Decoded, box: Box, scale: float) -> Picture:
    """A part of the picture as RGB, scaled in bands so that never the whole of it is converted."""
    from PIL import Image

    left, top, right, bottom = box
    is_whole = scale == 1.0 and box == (0, 0, *picture.size) and picture.mode == "RGB"
    if is_whole and not isinstance(picture, HeicRows):
        picture.info.clear()  # profile, comment, EXIF
        return picture
    width, height = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    ratio = (bottom - top) / height
    margin = math.ceil(3 * ratio) + 1  # what the filter looks at beyond a band
    page = Image.new("RGB", (width, height))
    for row in range(0, height, BAND):
        rows = min(BAND, height - row)
        first, last = top + row * ratio, top + (row + rows) * ratio
        above, below = max(top, int(first) - margin), min(bottom, math.ceil(last) + margin)
        band = _plain_rgb(picture.crop((left, above, right, below)))
        if scale < 1.0:
            part = (0, first - above, right - left, last - above)
            band = band.resize((width, rows), Image.Resampling.LANCZOS, part)
        else:
            band = band.crop((0, int(first) - above, width, int(first) - above + rows))
        page.paste(band, (0, row))
    return page


def _plain_rgb(picture: Picture) -> Picture:
    """Flatten transparency on white and convert any colour space or depth to RGB."""
    from PIL import Image

    if picture.mode == "F":
        raise Refused("unreadable")
    if picture.mode in {"I;16", "I;16B", "I;16L", "I"}:
        picture = picture.convert("I").point([min(value >> 8, 255) for value in range(65536)], "L")
    if picture.mode in {"P", "PA"} and "transparency" in picture.info:
        picture = picture.convert("RGBA")
    if picture.mode in {"RGBA", "LA", "La", "RGBa", "PA"}:
        layer = picture.convert("RGBA")
        paper = Image.new("RGB", layer.size, "white")
        paper.paste(layer, mask=layer.getchannel("A"))
        return paper
    return picture.convert("RGB")
