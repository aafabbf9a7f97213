"""What a PDF may contain as evidence: pages and pictures; anything that acts is refused.

Runs only inside the limited process of relief.evidence.filecheck; imports no Django.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relief.evidence.filecheck_pages import Pages, Refused

if TYPE_CHECKING:
    from pikepdf import Pdf

MAX_PAGES = 100
MAX_OBJECTS = 60_000
MAX_STREAM_BYTES = 80 * 1024 * 1024
MAX_DECODED_BYTES = 300 * 1024 * 1024
PAGE_SIDE = 1_800  # pixels of the longer side of a page image
CHUNK = 1024 * 1024

ACTIVE_KEYS = frozenset(
    {"/JS", "/JavaScript", "/AA", "/XFA", "/EmbeddedFiles", "/EF", "/AF", "/RichMediaContent"}
)
ACTIVE_ACTIONS = frozenset(
    {
        "/JavaScript",
        "/Launch",
        "/SubmitForm",
        "/ImportData",
        "/GoToE",
        "/GoToR",
        "/Rendition",
        "/RichMediaExecute",
        "/Movie",
        "/Sound",
        "/Trans",
        "/GoTo3DView",
    }
)
ACTIVE_SUBTYPES = frozenset(
    {"/FileAttachment", "/RichMedia", "/Movie", "/Screen", "/Sound", "/3D", "/EmbeddedFile"}
)


def check_pdf(folder: Path, pages: Pages) -> dict[str, object]:
    """Refuse what is encrypted, acts, or explodes; write a rebuilt copy without any tail."""
    import pikepdf

    try:
        pdf = pikepdf.open(folder / "in")
    except pikepdf.PasswordError as locked:
        raise Refused("encrypted") from locked
    with pdf:
        if pdf.is_encrypted:
            raise Refused("encrypted")
        count = len(pdf.pages)
        if count < 1:
            raise Refused("unreadable")
        if count > MAX_PAGES:
            raise Refused("too_many_pages")
        check_objects(pdf)
        pdf.remove_unreferenced_resources()
        pdf.save(folder / "copy", object_stream_mode=pikepdf.ObjectStreamMode.generate)
    draw_pages(folder / "copy", pages)
    return {"content_type": "application/pdf"}


def check_objects(pdf: Pdf) -> None:
    """Look at every object, also inside object streams; names written with #xx are already plain."""
    import pikepdf

    if len(pdf.objects) > MAX_OBJECTS:
        raise Refused("too_heavy")
    decoded = 0
    for top in [pdf.trailer, *pdf.objects]:
        for dictionary in _dictionaries(top, pikepdf):
            _check_dictionary(dictionary, pikepdf)
        if isinstance(top, pikepdf.Stream):
            decoded += decoded_size(top)
            if decoded > MAX_DECODED_BYTES:
                raise Refused("too_heavy")


def _dictionaries(top: Any, pikepdf: Any) -> Iterator[Any]:
    """Every dictionary written directly inside one object, itself included; links are not followed."""
    waiting = [top]
    visited = 0
    while waiting:
        node = waiting.pop()
        visited += 1
        if visited > MAX_OBJECTS:
            raise Refused("too_heavy")
        if isinstance(node, pikepdf.Dictionary | pikepdf.Stream):
            yield node
            children = [value for _, value in node.items()]
        elif isinstance(node, pikepdf.Array):
            children = list(node)
        else:
            continue
        waiting.extend(
            child
            for child in children
            if isinstance(child, pikepdf.Object) and not child.is_indirect
        )


def _check_dictionary(dictionary: Any, pikepdf: Any) -> None:
    """Refuse a dictionary that runs, sends, opens or carries something."""
    for key, value in dictionary.items():
        if key in ACTIVE_KEYS:
            raise Refused("active_content")
        if key == "/OpenAction" and not _only_shows_a_page(value, pikepdf):
            raise Refused("active_content")
        pdf_name = str(value) if isinstance(value, pikepdf.Name) else ""
        if key == "/S" and pdf_name in ACTIVE_ACTIONS:
            raise Refused("active_content")
        if key in {"/Subtype", "/Type"} and pdf_name in ACTIVE_SUBTYPES:
            raise Refused("active_content")


def _only_shows_a_page(action: Any, pikepdf: Any) -> bool:
    """Whether an OpenAction merely says which page to begin with, as many banks' files do."""
    if isinstance(action, pikepdf.Array):
        return True
    return isinstance(action, pikepdf.Dictionary) and str(action.get("/S")) == "/GoTo"


def decoded_size(stream: Any) -> int:
    """Bytes of a stream when unpacked, counted without ever holding them all (bombs stop early)."""
    filter_names = stream.get("/Filter")
    filters = [] if filter_names is None else [str(name) for name in _as_list(filter_names)]
    raw = stream.read_raw_bytes()
    if not filters or filters[0] not in {"/FlateDecode", "/Fl"}:
        if {"/FlateDecode", "/Fl", "/LZWDecode", "/LZW"} & set(filters):
            return _small(len(stream.read_bytes()))
        return _small(len(raw))
    if len(filters) > 1 and filters[1] in {"/FlateDecode", "/Fl", "/LZWDecode", "/LZW"}:
        raise Refused("too_heavy")  # packed twice: nobody's printer does that
    return _inflated_size(raw)


def _as_list(value: Any) -> list[Any]:
    import pikepdf

    return list(value) if isinstance(value, pikepdf.Array) else [value]


def _inflated_size(raw: bytes) -> int:
    unpacker = zlib.decompressobj()
    total = 0
    pending = raw
    try:
        while pending and not unpacker.eof:
            total += len(unpacker.decompress(pending, CHUNK))
            _small(total)
            pending = unpacker.unconsumed_tail
    except zlib.error:
        return total  # a damaged stream cannot grow; the page image will show what is left
    return total


def _small(size: int) -> int:
    if size > MAX_STREAM_BYTES:
        raise Refused("too_heavy")
    return size


def draw_pages(path: Path, pages: Pages) -> None:
    """Every page of the checked copy as a picture of at most 1,800 pixels a side."""
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    try:
        for number in range(len(document)):
            page = document[number]
            scale = min(PAGE_SIDE / max(*page.get_size(), 1.0), 3.0)
            picture = page.render(scale=scale, may_draw_forms=False).to_pil()
            pages.add(picture.convert("RGB"), is_sharp=True)
    finally:
        document.close()
