"""What a PDF may contain as evidence: pages and pictures. Scripts are refused; whatever else acts is taken out.

Runs only inside the limited process of relief.evidence.filecheck; imports no Django.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relief.evidence.filecheck.pages import Pages, Refused
from relief.evidence.filecheck.pictures import check_scans
from relief.evidence.filecheck.render import draw_pages
from relief.evidence.filecheck.signatures import verify

if TYPE_CHECKING:
    from pikepdf import Pdf

MAX_PAGES = 100
MAX_OBJECTS = 60_000
MAX_STREAM_BYTES = 80 * 1024 * 1024
MAX_DECODED_BYTES = 300 * 1024 * 1024
CHUNK = 1024 * 1024

REFUSED_KEYS = frozenset({"/XFA", "/RichMediaContent"})
REFUSED_ACTIONS = frozenset({"/Launch", "/Rendition", "/RichMediaExecute"})
REFUSED_SUBTYPES = frozenset({"/RichMedia", "/Movie", "/Screen", "/Sound", "/3D"})
# What prints when the file is opened, as banks and tax offices write it; nothing else may be called.
PRINT_SCRIPT = re.compile(r"\s*(this\s*\.\s*)?print\s*\([^()]*\)\s*;?\s*")
ACTIONS = REFUSED_ACTIONS | {
    *("/JavaScript", "/GoTo", "/GoToR", "/GoToE", "/GoTo3DView", "/URI", "/Named", "/Thread"),
    *("/SubmitForm", "/ResetForm", "/ImportData", "/Hide", "/SetOCGState", "/Trans"),
    *("/Movie", "/Sound"),
}
INWARD_ACTIONS = frozenset(
    {"/GoTo", "/Named", "/JavaScript"}
)  # of these the borrower need not hear
ATTACHMENT_KEYS = frozenset({"/EmbeddedFiles", "/EF", "/AF", "/Collection"})
DELETED_KEYS = ATTACHMENT_KEYS | {"/AA", "/OpenAction", "/JavaScript"}
DELETED_ANNOTATIONS = frozenset({"/Link", "/FileAttachment"})
PROGRAM_STARTS = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe")
PROGRAM_ENDINGS = (
    *(".exe", ".com", ".scr", ".msi", ".dll", ".bat", ".cmd", ".ps1", ".vbs", ".js", ".jse"),
    *(".wsf", ".hta", ".jar", ".lnk", ".sh", ".apk", ".app"),
)
INFLATED = frozenset({"/FlateDecode", "/Fl", "/LZWDecode", "/LZW"})


def check_pdf(folder: Path, pages: Pages) -> dict[str, object]:
    """Refuse what cannot be opened, runs or explodes; write a rebuilt copy that does nothing, and draw it."""
    import pikepdf

    try:
        pdf = pikepdf.open(folder / "in")
    except pikepdf.PasswordError as locked:
        raise Refused("encrypted") from locked
    with pdf:
        if not pdf.pages:
            raise Refused("unreadable")
        if len(pdf.pages) > MAX_PAGES:
            raise Refused("too_many_pages")
        finds = check_objects(pdf)
        if pdf.is_encrypted:
            finds.add("lock")
        signatures = verify(folder) if "signature" in finds else []
        _take_out(pdf)
        pdf.save(folder / "copy", object_stream_mode=pikepdf.ObjectStreamMode.generate)
    draw_pages(folder / "copy", pages)
    return {
        "content_type": "application/pdf",
        "dropped": sorted(finds - {"signature"}),
        "signatures": signatures,
    }


def check_objects(pdf: Pdf) -> set[str]:
    """Look at every object, also inside object streams; names written with #xx are already plain.

    Answers what was found besides pages: codes of relief.evidence.kinds.Dropped, and "signature".
    """
    import pikepdf

    if len(pdf.objects) > MAX_OBJECTS:
        raise Refused("too_heavy")
    finds: set[str] = set()
    decoded = 0
    for top in [pdf.trailer, *pdf.objects]:
        for dictionary in _dictionaries(top, pikepdf):
            finds |= _look_at(dictionary, pikepdf)
        if isinstance(top, pikepdf.Stream):
            decoded += decoded_size(top)
            if decoded > MAX_DECODED_BYTES:
                raise Refused("too_heavy")
    return finds


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


def _look_at(dictionary: Any, pikepdf: Any) -> set[str]:
    """Refuse a dictionary that runs something; say what else it does that the copy will not do."""
    keys = {key for key, _ in dictionary.items()}
    if keys & REFUSED_KEYS:
        raise Refused("active_content")
    subtypes = {_name(dictionary.get("/Subtype"), pikepdf), _name(dictionary.get("/Type"), pikepdf)}
    action = _name(dictionary.get("/S"), pikepdf)
    if action in REFUSED_ACTIONS or subtypes & REFUSED_SUBTYPES:
        raise Refused("active_content")
    finds = set()
    if "/JS" in keys or action == "/JavaScript":
        _check_script(dictionary.get("/JS"), pikepdf)
        finds.add("printing")
    if action == "/Named" and _name(dictionary.get("/N"), pikepdf) == "/Print":
        finds.add("printing")
    if action in ACTIONS - INWARD_ACTIONS:
        finds.add("links")
    if "/EF" in keys or "/EmbeddedFile" in subtypes:
        _check_attachment(dictionary, pikepdf)
        finds.add("attachments")
    if "/ByteRange" in keys:
        finds.add("signature")
    return finds


def _name(value: Any, pikepdf: Any) -> str:
    return str(value) if isinstance(value, pikepdf.Name) else ""


def _check_script(script: Any, pikepdf: Any) -> None:
    """Refuse a script, unless it is the one call that prints."""
    text = script.read_bytes() if isinstance(script, pikepdf.Stream) else bytes(script or b"")
    encoding = "utf-16" if text.startswith((b"\xfe\xff", b"\xff\xfe")) else "latin-1"
    if not PRINT_SCRIPT.fullmatch(text.decode(encoding, "replace")):
        raise Refused("active_content")


def _check_attachment(dictionary: Any, pikepdf: Any) -> None:
    """Refuse a file that carries a program along; papers (an invoice's XML) are only left out."""
    names = [str(dictionary.get(key, "")).strip().lower() for key in ("/F", "/UF")]
    if any(name.endswith(PROGRAM_ENDINGS) for name in names):
        raise Refused("active_content")
    if isinstance(dictionary, pikepdf.Stream):
        try:
            start = dictionary.read_bytes()[:8] if decoded_size(dictionary) else b""
        except pikepdf.PdfError:
            return  # cannot be unpacked by anybody
        if start.startswith(PROGRAM_STARTS):
            raise Refused("active_content")


def _take_out(pdf: Pdf) -> None:
    """Cut every way to an action, an attachment or an address; what hangs on them is not written."""
    import pikepdf

    for top in [pdf.trailer, *pdf.objects]:
        for dictionary in _dictionaries(top, pikepdf):
            for key, value in list(dictionary.items()):
                if key in DELETED_KEYS or _is_action(value, pikepdf):
                    del dictionary[key]
            if _name(dictionary.get("/FT"), pikepdf) == "/Sig" and "/V" in dictionary:
                del dictionary["/V"]  # of the copy it would be wrong; its appearance stays
    for key in {"/URI", "/Perms", "/DSS"} & set(pdf.Root.keys()):
        del pdf.Root[key]
    _take_out_annotations(pdf)
    pdf.remove_unreferenced_resources()


def _take_out_annotations(pdf: Pdf) -> None:
    """Links and attached files go from the pages; stamps, seals and fields stay, and can be drawn."""
    import pikepdf

    widgets = []
    for page in pdf.pages:
        kept = [note for note in _annotations(page, pikepdf) if not _is_deleted(note, pikepdf)]
        if "/Annots" in page.obj:
            page.obj.Annots = pikepdf.Array(kept)
        widgets += [note for note in kept if _name(note.get("/Subtype"), pikepdf) == "/Widget"]
    if widgets and "/AcroForm" not in pdf.Root:  # else nobody would draw them
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array(widgets))


def _is_action(value: Any, pikepdf: Any) -> bool:
    return (
        isinstance(value, pikepdf.Dictionary) and _name(value.get("/S"), pikepdf) in ACTIONS
    ) and "/K" not in value  # a structure element has kids, an action never


def _annotations(page: Any, pikepdf: Any) -> list[Any]:
    """The annotations of a page; what is no annotation is left out."""
    notes = page.obj.get("/Annots")
    if not isinstance(notes, pikepdf.Array):
        return []
    return [note for note in notes if isinstance(note, pikepdf.Dictionary)]


def _is_deleted(note: Any, pikepdf: Any) -> bool:
    return _name(note.get("/Subtype"), pikepdf) in DELETED_ANNOTATIONS


def decoded_size(stream: Any) -> int:
    """Bytes of a stream when unpacked, counted without ever holding them all (bombs stop early)."""
    filter_names = stream.get("/Filter")
    filters = [] if filter_names is None else [str(name) for name in _as_list(filter_names)]
    raw = stream.read_raw_bytes()
    if filters == ["/DCTDecode"]:
        pixels = int(stream.get("/Width", 0)) * int(stream.get("/Height", 0))
        check_scans(io.BytesIO(raw), pixels)
    if not filters or filters[0] not in {"/FlateDecode", "/Fl"}:
        if INFLATED & set(filters):
            return _small(len(stream.read_bytes()))
        return _small(len(raw))
    if len(filters) > 1 and filters[1] in INFLATED:
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
