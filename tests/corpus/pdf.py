"""A PDF writer of a few lines that can write what no honest library would."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

MEGABYTE = 1024 * 1024


def pdf(
    *,
    pages: int = 1,
    catalog: str = "",
    page_extra: str = "",
    objects: Sequence[str | bytes] = (),
    packed: Sequence[str] = (),
    content: bytes | None = None,
    content_filter: str = "",
    trailer: str = "",
    version: str = "1.7",
) -> bytes:
    """A file with `pages` pages; `objects` follow from number 10, `packed` go into an object stream.

    Numbers: 1 catalog, 2 pages, 3 font, 4 content, 5 object stream, 10… objects, 20… packed,
    30… pages.
    """
    text = b"BT /F1 24 Tf 72 700 Td (Proof of income) Tj ET" if content is None else content
    kids = " ".join(f"{30 + number} 0 R" for number in range(pages))
    body: dict[int, bytes] = {
        1: f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        2: f"<< /Type /Pages /Count {pages} /Kids [{kids}] >>".encode(),
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        4: stream(text, content_filter),
    }
    for number, thing in enumerate(objects, 10):
        body[number] = thing if isinstance(thing, bytes) else thing.encode()
    for number in range(pages):
        body[30 + number] = (
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
            f"/Resources << /Font << /F1 3 0 R >> >> {page_extra} >>"
        ).encode()
    if packed:
        return _with_object_stream(body, packed, version)
    return _with_table(body, trailer, version)


def stream(data: bytes, filter_name: str = "", extra: str = "") -> bytes:
    """One stream object; `data` is written as it is."""
    named = f"/Filter {filter_name}" if filter_name else ""
    return f"<< /Length {len(data)} {named} {extra} >>\nstream\n".encode() + data + b"\nendstream"


def bomb(size: int = 200 * MEGABYTE) -> bytes:
    """`size` zero bytes, deflated piece by piece."""
    packer = zlib.compressobj(9)
    piece = bytes(MEGABYTE)
    return b"".join(packer.compress(piece) for _ in range(size // MEGABYTE)) + packer.flush()


def _body(body: dict[int, bytes], version: str) -> tuple[bytearray, dict[int, int]]:
    out = bytearray(f"%PDF-{version}\n%\xe2\xe3\xcf\xd3\n".encode("latin-1"))
    places = {}
    for number, thing in sorted(body.items()):
        places[number] = len(out)
        out += f"{number} 0 obj\n".encode() + thing + b"\nendobj\n"
    return out, places


def _with_table(body: dict[int, bytes], trailer: str, version: str) -> bytes:
    out, places = _body(body, version)
    start = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in places.items():
        out += f"{number} 1\n{place:010d} 00000 n \n".encode()
    size = max(places) + 1
    out += f"trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\n".encode()
    out += f"startxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def _with_object_stream(body: dict[int, bytes], packed: Sequence[str], version: str) -> bytes:
    heads, texts, offset = [], [], 0
    for number, text in enumerate(packed, 20):
        heads.append(f"{number} {offset}")
        texts.append(text)
        offset += len(text.encode()) + 1
    head = " ".join(heads) + " "
    inside = zlib.compress((head + "\n".join(texts)).encode())
    body[5] = stream(
        inside, "/FlateDecode", f"/Type /ObjStm /N {len(packed)} /First {len(head.encode())}"
    )
    out, places = _body(body, version)
    start = len(out)
    rows = {number: (1, place, 0) for number, place in places.items()}
    rows |= {20 + index: (2, 5, index) for index in range(len(packed))}
    own = max(rows) + 1
    rows[own] = (1, start, 0)
    rows[0] = (0, 0, 65535)
    index = " ".join(f"{number} 1" for number in sorted(rows))
    data = b"".join(
        kind.to_bytes(1, "big") + first.to_bytes(4, "big") + second.to_bytes(2, "big")
        for _, (kind, first, second) in sorted(rows.items())
    )
    table = stream(
        zlib.compress(data),
        "/FlateDecode",
        f"/Type /XRef /Size {own + 1} /Root 1 0 R /W [1 4 2] /Index [{index}]",
    )
    out += f"{own} 0 obj\n".encode() + table + b"\nendobj\n"
    out += f"startxref\n{start}\n%%EOF\n".encode()
    return bytes(out)
