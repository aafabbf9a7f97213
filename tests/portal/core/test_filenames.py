"""Heads of uploaded parts in any letters: every file arrives, and its bytes are its own."""

from __future__ import annotations

import io

import pytest

from portal.core.filenames import Utf8Heads

MARK = b"--b0undary\r\n"


def part(head: bytes, content: bytes) -> bytes:
    return MARK + head + b"\r\n\r\n" + content + b"\r\n"


def head(name: bytes) -> bytes:
    return b'Content-Disposition: form-data; name="file"; filename="%s"' % name


def rewritten(body: bytes, size: int) -> bytes:
    heads = Utf8Heads(io.BytesIO(body), b"b0undary")
    return b"".join(iter(lambda: heads.read(size), b""))


@pytest.mark.parametrize("size", [1, 7, 64, 65_536])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("工资证明.jpg".encode(), "工资证明.jpg"),
        ("工资证明.jpg".encode("gb18030"), "工资证明.jpg"),
        (b"scan.jpg", "scan.jpg"),
        (b"\xff\xfe.jpg", "��.jpg"),
    ],
)
def test_names_become_utf8_and_contents_stay(size: int, name: bytes, expected: str) -> None:
    content = b"\xff\xd8\r\n\r\n--b0undar\r\n" + bytes(range(256)) * 20
    body = part(head(name), content) + part(head(b"b.jpg"), b"\xfe") + b"--b0undary--\r\n"

    read = rewritten(body, size)

    first = part(head(expected.encode()), content)
    assert read == first + part(head(b"b.jpg"), b"\xfe") + b"--b0undary--\r\n"


@pytest.mark.parametrize("size", [1, 4096])
def test_what_is_no_head_passes_as_it_is(size: int) -> None:
    body = MARK + b"\xff" * 5000 + MARK + b"\xfe"

    assert rewritten(body, size) == body
