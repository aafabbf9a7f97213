"""What the check of one file leaves in its folder: pages as pictures, and where they may not go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from relief.evidence.filecheck.bundle import BundlePage, PlacedText

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

PAGE_SIDE = 4_096  # pixels that a page keeps of its longer side
QUALITY = 90


class Refused(Exception):
    """The file is refused; `code` is a ReplaceReason of relief.evidence.kinds."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Pages:
    """Writes the pages of one file into its folder, `page-1.jpg` and so on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sizes: list[tuple[int, int]] = []
        self.texts: dict[int, list[PlacedText]] = {}

    def add(self, picture: Picture, *, is_sharp: bool) -> None:
        """Keep one page, an RGB picture; `is_sharp` keeps the colours of thin lines (text) as well."""
        self.sizes.append(picture.size)
        path = self._path(len(self.sizes))
        picture.save(path, "JPEG", quality=QUALITY, subsampling=0 if is_sharp else 2)

    def add_text(self, lines: list[PlacedText]) -> None:
        """The text of the page kept last."""
        if lines:
            self.texts[len(self.sizes)] = lines

    def for_bundle(self) -> Iterator[BundlePage]:
        """The pages again, one at a time."""
        for number, (width, height) in enumerate(self.sizes, 1):
            yield BundlePage(self._path(number).read_bytes(), width, height)

    def _path(self, number: int) -> Path:
        return self.folder / f"page-{number}.jpg"

    def write_text(self) -> None:
        """Write the text layer beside the pages, if any page has one."""
        if self.texts:
            (self.folder / "text.json").write_text(json.dumps(self.texts, ensure_ascii=False))
