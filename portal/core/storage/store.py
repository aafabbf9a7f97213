"""What a place for private bytes must do; which one is in use, only the settings know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol


class FileUnavailable(OSError):
    """A private file cannot be had; pages say so with one sentence, and tasks try again later."""


class Gone(FileUnavailable, FileNotFoundError):
    """There are no bytes under the name any more."""


class StoreDown(FileUnavailable):
    """The place does not answer now; what it holds is as it was, and a later try may succeed."""


class StoreRefuses(FileUnavailable):
    """The place answers, and refuses: no such bucket, no right to it. Waiting does not help."""


@dataclass(frozen=True, slots=True)
class StoredName:
    """One name in the place, complete or not, and the real instant at which it was written."""

    name: str
    written_at: datetime


class Store(Protocol):
    """Names of ours with bytes. A file is complete or absent, and writing it anew replaces it whole.

    Everything may raise OSError: a full disk, StoreDown, StoreRefuses. `label` is for operators.
    """

    label: str

    def write(self, name: str, pieces: Iterator[bytes]) -> None:
        """Keep the pieces under the name; whatever fails leaves what was there before."""

    def head(self, name: str, length: int) -> bytes:
        """The first `length` bytes, or fewer if there are no more; FileNotFoundError."""

    def read(self, name: str) -> BinaryIO:
        """A seekable file of the bytes; FileNotFoundError if they are gone."""

    def exists(self, name: str) -> bool:
        """Whether there are complete bytes under the name."""

    def delete(self, name: str) -> None:
        """Remove the bytes; nothing happens if they are gone already."""

    def listed(self) -> Iterator[StoredName]:
        """All names `xx/…`, those of unfinished files included."""
