"""The drawn pages of a checked file and their text: what staff see, keep and search; nothing is drawn here."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from PIL import Image

from portal.core.storage import private
from relief.evidence.filecheck.bundle import Place, PlacedText, surrounding
from relief.evidence.models import Evidence, EvidencePage

THUMBNAIL_SIDE = 240  # pixels: enough to tell pages apart, too few to read them


@dataclass(frozen=True)
class WordHit:
    """One place where searched words stand: on which page, and the boxes to mark, one for each line."""

    page: int
    places: list[Place]


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


def text_layer(evidence: Evidence) -> dict[int, list[PlacedText]]:
    """The text of each page by its number, placed in its picture; a page of a picture has none."""
    if not evidence.text_key:
        return {}
    with private.open(evidence.text_key) as stored:
        pages = json.load(stored)
    return {int(number): [_read(row) for row in rows] for number, rows in pages.items()}


def _read(row: list[Any]) -> PlacedText:
    """A row of the layer; one of before letters had places has its text's, until the sweep draws it anew."""
    text, place, *rest = row
    if isinstance(place, int):
        place, letters = (place, *rest), [(place, *rest)] * len(text)
    else:
        (letters,) = rest
    return text, tuple(place), [tuple(letter) for letter in letters]


def find(evidence: Evidence, words: str) -> list[WordHit]:
    """Where `words` stand, in the order of reading: spaces, case and breaks of lines aside.

    Letters that only look the same to a reader are the same: full-width digits, Kangxi radicals.
    """
    wanted = _plain(words)
    if not wanted:
        return []
    layer = text_layer(evidence)
    return [hit for number in sorted(layer) for hit in _found(number, layer[number], wanted)]


def _found(page: int, lines: list[PlacedText], wanted: str) -> Iterator[WordHit]:
    text, origins = "", []
    for line, (words, _, letters) in enumerate(lines):
        for letter, place in zip(words, letters, strict=True):
            plain = _plain(letter)
            text += plain
            origins += [(line, place)] * len(plain)
    start = text.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        by_line = groupby(origins[start:end], key=itemgetter(0))
        yield WordHit(
            page, [surrounding([place for _, place in letters]) for _, letters in by_line]
        )
        start = text.find(wanted, end)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()
