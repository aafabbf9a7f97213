"""Private files: evidence and papers under PRIVATE_ROOT, under random names, never under an address.

A file is complete or absent: written aside, flushed to disk, then renamed.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from django.conf import settings

CHUNK = 256 * 1024
PART = ".part"  # how unfinished files end; a crash may leave one, no row ever names one
_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}(?:\.[a-z0-9]{1,8})?")
_SUFFIX = re.compile(r"(?:\.[a-z0-9]{1,8})?")


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the bytes are, their SHA-256 in hexadecimal and their number."""

    key: str
    sha256: str
    size: int


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class PrivateStorage:
    """Keys look like `ab/1f…30 hex….pdf`; anything else is refused with ValueError."""

    def save(self, data: bytes | Readable, suffix: str = "") -> Stored:
        """Keep `data`; OSError (a full disk) leaves nothing behind."""
        if not _SUFFIX.fullmatch(suffix):
            raise ValueError(f"{suffix!r} is no file suffix")
        name = secrets.token_hex(16)
        key = f"{name[:2]}/{name[2:]}{suffix}"
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = target.with_name(target.name + PART)
        try:
            sha256, size = _write(part, data)
            os.replace(part, target)
            _flush_folder(target.parent)
        except BaseException:
            part.unlink(missing_ok=True)
            target.unlink(missing_ok=True)
            raise
        return Stored(key, sha256, size)

    def open(self, key: str) -> BinaryIO:
        """The bytes, for reading; FileNotFoundError if they are gone."""
        return self.path(key).open("rb")

    def path(self, key: str) -> Path:
        """The file of a key; ValueError for anything that is no key of ours."""
        if not _KEY.fullmatch(key):
            raise ValueError("not a storage key")
        return Path(settings.PRIVATE_ROOT) / key

    def exists(self, key: str) -> bool:
        return self.path(key).is_file()

    def delete(self, key: str) -> None:
        """Remove the bytes; nothing happens if they are gone already."""
        self.path(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        """Every complete file, for reconciling with the rows that name them."""
        root = Path(settings.PRIVATE_ROOT)
        for path in sorted(root.glob("??/*")):
            key = path.relative_to(root).as_posix()
            if _KEY.fullmatch(key):
                yield key


def _write(path: Path, data: bytes | Readable) -> tuple[str, int]:
    """Write and flush to disk; the digest and size of what was written."""
    digest, size = hashlib.sha256(), 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        for chunk in _chunks(data):
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), size


def _chunks(data: bytes | Readable) -> Iterator[bytes]:
    if isinstance(data, bytes):
        yield data
        return
    while chunk := data.read(CHUNK):
        yield chunk


def _flush_folder(folder: Path) -> None:
    """The rename itself reaches the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


private = PrivateStorage()
