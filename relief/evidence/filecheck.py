"""The check of one uploaded file in a small, limited process; it imports no Django and no network.

`python -m relief.evidence.filecheck image|heic|pdf <folder>` reads <folder>/in, draws its pages as pictures
beside it, of a PDF also a harmless <folder>/copy, and prints one JSON line. The process limits its own
memory and time first, so a hostile file ends this process and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from relief.evidence import filecheck_pdf
from relief.evidence.filecheck_pages import Pages, Refused

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 10
OUTPUT_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_SIDE = 12_000
COPY_SIDE = 4_000  # the copy is scaled down to this; an A4 page is readable at 2,000
FORMATS = {"image": ("JPEG", "PNG", "WEBP"), "heic": ("HEIF",)}


def limit_process() -> None:
    """Cap the memory, processor time and output of this process; called before anything is read."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_BYTES, OUTPUT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def check_size(width: int, height: int) -> None:
    """Refuse by the header alone, before a single pixel is decoded: ≤ 40 MP, ≤ 12,000 a side."""
    if width < 1 or height < 1:
        raise Refused("unreadable")
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise Refused("too_many_pixels")


def check_image(kind: str, folder: Path, pages: Pages) -> dict[str, object]:
    """Decode the first frame, turn it upright, and write it as a plain JPEG without metadata."""
    from PIL import Image, ImageOps

    if kind == "heic":
        import pillow_heif

        pillow_heif.options.DECODE_THREADS = 1
        pillow_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = None  # our own, lower limit is checked below
    with Image.open(folder / "in", formats=FORMATS[kind]) as opened:
        check_size(*opened.size)
        if opened.format in {"JPEG", "MPO"} and max(opened.size) > COPY_SIDE:
            opened.draft("RGB", (COPY_SIDE // 2, COPY_SIDE // 2))
        orientation = opened.getexif().get(0x0112, 1)
        opened.load()
        picture = _shrunk(opened)
    picture = _plain_rgb(picture)
    if orientation in range(2, 9):
        picture.getexif()[0x0112] = orientation
        picture = ImageOps.exif_transpose(picture)
    clean = Image.new("RGB", picture.size)
    clean.paste(picture)  # a new image carries no EXIF, text, profile or tail along
    pages.add(clean, is_sharp=False)
    return {"content_type": "image/jpeg"}


def _shrunk(picture: Picture) -> Picture:
    """The picture in a mode that can be scaled, and not larger than the copy may be."""
    if picture.mode in {"I;16", "I;16B", "I;16L", "I"}:
        deep = picture.convert("I")
        picture = deep.point([min(value >> 8, 255) for value in range(65536)], "L")
    elif picture.mode == "1":
        picture = picture.convert("L")
    elif picture.mode in {"P", "PA"}:
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    elif picture.mode == "F":
        raise Refused("unreadable")
    factor = -(-max(picture.size) // COPY_SIDE)
    return picture.reduce(factor) if factor > 1 else picture.copy()


def _plain_rgb(picture: Picture) -> Picture:
    """Flatten transparency on white and convert any colour space to RGB."""
    from PIL import Image

    if picture.mode in {"RGBA", "LA", "La", "RGBa"}:
        layer = picture.convert("RGBA")
        paper = Image.new("RGB", layer.size, "white")
        paper.paste(layer, mask=layer.getchannel("A"))
        return paper
    return picture.convert("RGB")


def run(kind: str, folder: Path) -> dict[str, object]:
    """One check as a plain dictionary: {"ok": true, …} or {"ok": false, "code": "…"}."""
    pages = Pages(folder)
    try:
        check = filecheck_pdf.check_pdf if kind == "pdf" else partial(check_image, kind)
        result = check(folder, pages)
        pages.write_text()
    except Refused as refused:
        return {"ok": False, "code": refused.code}
    except MemoryError:
        return {"ok": False, "code": "too_heavy"}
    except Exception as broken:  # any decoder's complaint means: this file cannot be read
        return {"ok": False, "code": "unreadable", "why": type(broken).__name__}
    return {"ok": True, "dropped": [], "signatures": [], "pages": pages.sizes, **result}


def main(arguments: list[str]) -> int:
    """Entry of the child process; always prints one JSON line when it lives to the end."""
    limit_process()
    with contextlib.redirect_stdout(sys.stderr):
        answer = run(arguments[0], Path(arguments[1]))
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
