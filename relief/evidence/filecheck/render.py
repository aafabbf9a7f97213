"""Draws the pages of a checked PDF as a reader would show them: stamps, signatures and filled forms included.

Runs only inside the limited process of relief.evidence.filecheck; imports no Django.
"""

from __future__ import annotations

import ctypes
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from relief.evidence.filecheck.bundle import Place, PlacedText, surrounding
from relief.evidence.filecheck.pages import Pages, Refused
from relief.evidence.filecheck.pictures import layout

DPI = 200  # of a page that is text; one that is a scan is drawn as sharp as it was scanned
SCAN_SHARE = 0.25  # of the page that a picture covers when the page is a scan
MAX_SCALE = 12.0  # a stamp-sized page is not blown up further
MAX_DRAWN_PIXELS = 400_000_000  # of all pages: 100 of A4 at 200 dpi
MAX_DRAWN_PAGES = 200
MAX_LETTERS = 20_000  # of text on a page
SECONDS_A_PAGE = 0.3

TextRun = list[tuple[str, tuple[float, float, float, float]]]  # letter; left, bottom, right, top


@dataclass(frozen=True)
class Cutout:
    """What is drawn at once: a page, or a screen of a long one; cut off on each side, in points."""

    scale: float
    left: float
    bottom: float
    right: float
    top: float


def draw_pages(path: Path, pages: Pages) -> None:
    """Every page of the checked copy, with its text; a long page becomes several."""
    pdfium = _library()
    document = pdfium.PdfDocument(path)
    document.init_forms()  # without it neither seals nor filled fields are drawn
    count = len(document)
    _allow_time(count)
    for number in range(count):
        page = document[number]
        runs = list(_runs(page, pdfium))
        for part in _parts(page, MAX_DRAWN_PIXELS / count, pdfium):
            if len(pages.sizes) >= MAX_DRAWN_PAGES:
                raise Refused("too_many_pages")
            cut = (part.left, part.bottom, part.right, part.top)
            bitmap = page.render(scale=part.scale, crop=cut, may_draw_forms=True)
            pages.add(bitmap.to_pil().convert("RGB"), is_sharp=True)
            pages.add_text(_placed(runs, bitmap.get_posconv(page), bitmap.width, bitmap.height))


@cache
def _library() -> Any:
    """pdfium with the fonts of the house: the hanzi of a file that brings no font are drawn everywhere."""
    import noto_cjk_sans_otc
    import pypdfium2_raw

    folder = str(Path(str(noto_cjk_sans_otc.FONT_PATH)).parent).encode()
    text = ctypes.create_string_buffer(folder)
    folders = (ctypes.POINTER(ctypes.c_char) * 2)()
    folders[0] = ctypes.cast(text, ctypes.POINTER(ctypes.c_char))
    config = pypdfium2_raw.FPDF_LIBRARY_CONFIG(version=2, m_pUserFontPaths=folders)
    pypdfium2_raw.FPDF_InitLibraryWithConfig(
        config
    )  # the first call counts: before the import below
    import pypdfium2

    return pypdfium2


def _allow_time(count: int) -> None:
    """More processor time for more pages, up to the process's hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = soft + int(SECONDS_A_PAGE * count)
    resource.setrlimit(resource.RLIMIT_CPU, (min(wanted, hard), hard))


def _parts(page: Any, most_pixels: float, pdfium: Any) -> Iterator[Cutout]:
    """How a page is drawn: as sharp as its scan, within what a page may have."""
    width, height = page.get_size()
    if min(width, height) < 1:
        raise Refused("unreadable")
    scale = min(_dots(page, width * height, pdfium) / 72, MAX_SCALE)
    plan = layout(round(width * scale), round(height * scale))
    scale *= plan.scale
    scale = min(scale, (most_pixels / (width * height)) ** 0.5)
    length = max(width, height)
    step = min(length, plan.step * plan.scale / scale)
    start = 0.0
    while length - start > 0.5:
        count = -int(-(length - start) // step)
        end = start + (length - start) / count
        if height >= width:  # from the top
            yield Cutout(scale, 0, height - end, 0, start)
        else:
            yield Cutout(scale, start, 0, width - end, 0)
        start = end


def _dots(page: Any, area: float, pdfium: Any) -> float:
    """Dots per inch at which nothing of a scan is lost."""
    dots = float(DPI)
    for picture in page.get_objects(filter=[pdfium.raw.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = picture.get_bounds()
        if (right - left) * (top - bottom) >= SCAN_SHARE * area:
            about = picture.get_metadata()
            dots = max(dots, about.horizontal_dpi, about.vertical_dpi)
    return dots


def _runs(page: Any, pdfium: Any) -> Iterator[TextRun]:
    """The text of a page: letters that the file puts beside one another, each with its place in points."""
    text = page.get_textpage()
    run: TextRun = []
    for number in range(min(text.count_chars(), MAX_LETTERS)):
        letter = chr(pdfium.raw.FPDFText_GetUnicode(text, number))
        if letter in "\r\n" or pdfium.raw.FPDFText_IsGenerated(text, number):
            yield run
            run = []
        elif letter.isprintable():
            run.append((letter, text.get_charbox(number)))
    yield run


def _placed(runs: list[TextRun], places: Any, width: int, height: int) -> list[PlacedText]:
    """The runs whose middle lies in a drawn part, in its pixels."""
    placed: list[PlacedText] = []
    for run in runs:
        letters = [_place(places, box) for _, box in run]
        text = "".join(letter for letter, _ in run)
        if not text.strip():
            continue
        left, top, across, down = whole = surrounding(letters)
        if 0 <= left + across / 2 <= width and 0 <= top + down / 2 <= height:
            placed.append((text, whole, letters))
    return placed


def _place(places: Any, box: tuple[float, float, float, float]) -> Place:
    left, bottom, right, top = box
    xs, ys = zip(places.to_bitmap(left, top), places.to_bitmap(right, bottom), strict=True)
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
