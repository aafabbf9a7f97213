"""The drawn pages of a checked file and their text: what staff see, keep and search; nothing is drawn here."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

from PIL import Image

from portal.core.storage import private
from relief.evidence.models import Evidence, EvidencePage

THUMBNAIL_SIDE = 240  # pixels: enough to tell pages apart, too few to read them


@dataclass(frozen=True)
class Line:
    """A piece of text on a page and where it stands, in pixels of the page's picture."""

    text: str
    left: int
    top: int
    width: int
    height: int


def pages_of(evidence: Evidence) -> list[EvidencePage]:
    """The pages in order; none while the file is being checked, was refused, or its bytes are gone."""
    return list(evidence.drawn_pages.all())


def picture(page: EvidencePage) -> bytes:
    """The page's picture at full size, a JPEG without a watermark; staff never get it as it is."""
    with private.open(page.key) as stored:
        return stored.read()


def thumbnail(page: EvidencePage) -> bytes:
    """The page for a strip of pages: at most 240 pixels a side, a JPEG without a watermark."""
    with Image.open(io.BytesIO(picture(page)), formats=("JPEG",)) as opened:
        opened.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        out = io.BytesIO()
        opened.save(out, "JPEG", quality=80)
    return out.getvalue()


def text_layer(evidence: Evidence) -> dict[int, list[Line]]:
    """The text of each page by its number; a page of a picture has none."""
    if not evidence.text_key:
        return {}
    with private.open(evidence.text_key) as stored:
        pages = json.load(stored)
    return {int(number): [Line(*row) for row in rows] for number, rows in pages.items()}


def find(evidence: Evidence, words: str) -> dict[int, list[Line]]:
    """Where `words` stand (spaces and case aside), by page: what a search marks on the pictures."""
    wanted = _plain(words)
    if not wanted:
        return {}
    matching_lines = {
        number: [line for line in lines if wanted in _plain(line.text)]
        for number, lines in text_layer(evidence).items()
    }
    return {number: lines for number, lines in matching_lines.items() if lines}


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
