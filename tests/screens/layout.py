"""Looks at a page in the sizes that people need: narrow, at twice the type, in large type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

MEASURE = Path(__file__).with_name("measure.js").read_text()
SETTLE = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@dataclass(frozen=True)
class Size:
    """A width of the window in px, the type's size in %, and whether 大字模式 is on."""

    name: str
    width: int
    type_percent: int = 100
    is_large: bool = False


PHONE = (
    Size("320 px", 320),
    Size("390 px, type at 200 %", 390, type_percent=200),
    Size("390 px, 大字模式", 390, is_large=True),
    Size("1280 px", 1280),
)
DESK = (Size("390 px", 390), Size("768 px", 768), Size("1280 px", 1280))


def flaws(page: Page, sizes: tuple[Size, ...]) -> list[str]:
    """What is too wide, cut off, broken, collided or too small to hit in each size, or unseen in forced colours."""
    page.evaluate(MEASURE)
    found = []
    with as_it_was(page):
        for size in sizes:
            wear(page, size)
            found += [f"{size.name}: {line}" for line in page.evaluate("measure()")]
        page.emulate_media(forced_colors="active")
        found += [f"forced colours: {line}" for line in page.evaluate("measureForced()")]
        page.emulate_media(forced_colors="none")
    return found


def wear(page: Page, size: Size) -> None:
    """Show the page in a size; the height stays."""
    height = (page.viewport_size or {"height": 844})["height"]
    page.set_viewport_size({"width": size.width, "height": height})
    page.evaluate(
        """([percent, large]) => {
          const root = document.documentElement;
          root.style.fontSize = percent === 100 ? "" : percent + "%";
          root.classList.toggle("large-type", large);
        }""",
        [size.type_percent, size.is_large],
    )
    page.evaluate(SETTLE)


@contextmanager
def as_it_was(page: Page) -> Iterator[None]:
    """Back to the window and the type that the person had."""
    before = page.viewport_size or {"width": 390, "height": 844}
    is_large = page.evaluate("document.documentElement.classList.contains('large-type')")
    yield
    wear(page, Size("", before["width"], is_large=is_large))
