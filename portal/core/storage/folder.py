"""Private bytes in a folder of this machine."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from portal.core.storage.store import StoredName

PART = ".part"  # how unfinished files end; a crash may leave one, no row ever names one


class Folder:
    """Written aside, flushed to disk, then renamed: whole or absent, whatever happens."""

    def __init__(self, root: Path) -> None:
        self.root, self.label = root, str(root)

    def path(self, name: str) -> Path:
        """Where the bytes of a name are."""
        return self.root / name

    def write(self, name: str, pieces: Iterator[bytes]) -> None:
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = target.with_name(f"{target.name}.{secrets.token_hex(4)}{PART}")
        try:
            _write(part, pieces)
            os.replace(part, target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _flush_folder(target.parent)

    def head(self, name: str, length: int) -> bytes:
        with self.read(name) as file:
            return file.read(length)

    def read(self, name: str) -> BinaryIO:
        return self.path(name).open("rb")

    def exists(self, name: str) -> bool:
        return self.path(name).is_file()

    def delete(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def listed(self) -> Iterator[StoredName]:
        for path in sorted(self.root.glob("??/*")):
            try:
                written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            except FileNotFoundError:  # deleted meanwhile
                continue
            yield StoredName(path.relative_to(self.root).as_posix(), written_at)


def _write(path: Path, pieces: Iterator[bytes]) -> None:
    """Write and flush to disk."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """The rename itself reaches the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
