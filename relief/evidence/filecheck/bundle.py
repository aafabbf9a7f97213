"""The drawn pages of a file as one PDF: their JPEGs untouched, the text unseen behind them, a mark across.

Reads nothing but pictures that the check has drawn, so it is safe outside the child too; imports no Django.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from pikepdf import Pdf
    from PIL.Image import Image as Picture

Place = tuple[int, int, int, int]  # left, top, width, height in pixels of the page
PlacedText = tuple[
    str, Place, Sequence[Place]
]  # a text, its place, and that of each of its letters
PAPER_WIDTH = 595.0  # points of the shorter side of a page: A4


@dataclass(frozen=True)
class BundlePage:
    """One page: its JPEG, its size in pixels, and its text."""

    jpeg: bytes
    width: int
    height: int
    lines: Sequence[PlacedText] = ()


def surrounding(places: Sequence[Place]) -> Place:
    """The smallest place that holds all of these."""
    left, top = min(place[0] for place in places), min(place[1] for place in places)
    right = max(place[0] + place[2] for place in places)
    bottom = max(place[1] + place[3] for place in places)
    return left, top, right - left, bottom - top


def write_bundle(
    target: BinaryIO, pages: Iterable[BundlePage], mark: Picture | None = None
) -> None:
    """Write the PDF; `mark`, a transparent tile, is laid over every page again and again."""
    import pikepdf

    pdf = pikepdf.new()
    font = pdf.make_indirect(_font(pikepdf))
    tile = None if mark is None else _tile(pdf, mark, pikepdf)
    for page in pages:
        scale = PAPER_WIDTH / min(page.width, page.height)
        resources = {"/XObject": {"/P": _picture(pdf, page, pikepdf)}, "/Font": {"/F": font}}
        width, height = page.width * scale, page.height * scale
        content = [f"q {width:.2f} 0 0 {height:.2f} 0 0 cm /P Do Q"]
        content += [_unseen(line, scale, height) for line in page.lines]
        if tile is not None and mark is not None:
            resources["/XObject"]["/M"] = tile
            content += _marks(width, height, mark.width / mark.height)
        pdf.add_blank_page(page_size=(width, height))
        last = pdf.pages[-1]
        last.Resources = pikepdf.Dictionary(resources)
        last.Contents = pdf.make_stream("\n".join(content).encode("ascii"))
    pdf.save(target)


def _picture(pdf: Pdf, page: BundlePage, pikepdf: Any) -> Any:
    return pikepdf.Stream(
        pdf,
        page.jpeg,
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=page.width,
        Height=page.height,
        ColorSpace=pikepdf.Name.DeviceRGB,
        BitsPerComponent=8,
        Filter=pikepdf.Name.DCTDecode,
    )


def _font(pikepdf: Any) -> Any:
    """A font that every reader knows by name; what is written in it is never seen, only found."""
    name = pikepdf.Name("/STSong-Light")
    system = pikepdf.Dictionary(Registry=b"Adobe", Ordering=b"GB1", Supplement=2)
    descendant = pikepdf.Dictionary(
        Type=pikepdf.Name.Font,
        Subtype=pikepdf.Name.CIDFontType0,
        BaseFont=name,
        CIDSystemInfo=system,
        DW=1000,
    )
    return pikepdf.Dictionary(
        Type=pikepdf.Name.Font,
        Subtype=pikepdf.Name.Type0,
        BaseFont=name,
        Encoding=pikepdf.Name("/UniGB-UCS2-H"),
        DescendantFonts=pikepdf.Array([descendant]),
    )


def _unseen(line: PlacedText, scale: float, paper_height: float) -> str:
    """One line of text where it stands, in rendering mode 3: neither filled nor stroked."""
    text, (left, top, _, height), _ = line
    code = "".join(letter for letter in text if ord(letter) < 0x10000).encode("utf-16-be").hex()
    x, y = left * scale, paper_height - (top + height) * scale
    return f"BT 3 Tr /F {max(1.0, height * scale):.2f} Tf {x:.2f} {y:.2f} Td <{code}> Tj ET"


def _tile(pdf: Pdf, mark: Picture, pikepdf: Any) -> Any:
    """The mark as an image with a soft mask."""
    shape = {
        "Type": pikepdf.Name.XObject,
        "Subtype": pikepdf.Name.Image,
        "Width": mark.width,
        "Height": mark.height,
        "BitsPerComponent": 8,
    }
    alpha = mark.getchannel("A").tobytes()
    mask = pikepdf.Stream(pdf, alpha, ColorSpace=pikepdf.Name.DeviceGray, **shape)
    ink = mark.convert("RGB").tobytes()
    return pikepdf.Stream(pdf, ink, ColorSpace=pikepdf.Name.DeviceRGB, SMask=mask, **shape)


def _marks(width: float, height: float, ratio: float) -> list[str]:
    """The tile over the whole page, each second row shifted by half."""
    across = PAPER_WIDTH / 2.5
    down = across / ratio
    drawn, row, y = [], 0, -down / 3
    while y < height:
        x = -across / 2 * (row % 2)
        while x < width:
            drawn.append(f"q {across:.2f} 0 0 {down:.2f} {x:.2f} {y:.2f} cm /M Do Q")
            x += across
        row, y = row + 1, y + down
    return drawn
