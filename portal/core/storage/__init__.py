"""Private files: evidence and papers under random names, encrypted, never under an address.

`private` is all that the product knows of. Where the bytes are (a folder, a bucket) and with which
keys is said by the settings alone, so several machines may share them without sharing a disk.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from portal.core.storage.envelope import (
    CHUNK,
    HEADER,
    KeyRing,
    is_sealed,
    key_id,
    ring_of,
    seal,
    unseal,
)
from portal.core.storage.folder import Folder
from portal.core.storage.store import Gone, Store, StoredName

logger = logging.getLogger(__name__)
_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}(?:\.[a-z0-9]{1,8})?")
_SUFFIX = re.compile(r"(?:\.[a-z0-9]{1,8})?")
# An empty sealed file beside the others: it opens only while the key is there that they may need.
PROOF = "keys.proof"


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the bytes are, the SHA-256 of the plain ones in hexadecimal and their number."""

    key: str
    sha256: str
    size: int


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class PrivateStorage:
    """Keys look like `ab/1f…30 hex….pdf`; anything else is refused with ValueError.

    A file that cannot be had is FileUnavailable: Gone, StoreDown where it may be had later, Damaged
    where it is not what was written, UnknownKey where nobody here can read it.
    """

    @property
    def store(self) -> Store:
        """The place that the settings name."""
        if settings.EVIDENCE_BUCKET:
            return _bucket(tuple(settings.EVIDENCE_BUCKET.items()))
        return Folder(Path(settings.PRIVATE_ROOT))

    @property
    def where(self) -> str:
        """The folder or the bucket, for operators."""
        return self.store.label

    def answers(self) -> bool:
        """Whether the place can be read now."""
        try:
            self.store.exists(PROOF)
        except OSError:
            return False
        return True

    @property
    def ring(self) -> KeyRing:
        return ring_of(tuple(settings.EVIDENCE_KEYS))

    def save(self, data: bytes | Readable, suffix: str = "") -> Stored:
        """Keep `data`; OSError (a full disk) leaves nothing behind."""
        if not _SUFFIX.fullmatch(suffix):
            raise ValueError(f"{suffix!r} is no file suffix")
        name = secrets.token_hex(16)
        key = f"{name[:2]}/{name[2:]}{suffix}"
        plain = _Measured(data)
        self.store.write(key, seal(plain.pieces(), name=key, ring=self.ring))
        return Stored(key, plain.digest.hexdigest(), plain.size)

    def open(self, key: str) -> BinaryIO:
        """The plain bytes, for reading and seeking."""
        return self._opened(_known(key))

    def exists(self, key: str) -> bool:
        return self.store.exists(_known(key))

    def delete(self, key: str) -> None:
        """Remove the bytes; nothing happens if they are gone already.

        Where the place refuses they stay as what no row names, which the next reconciling removes.
        """
        self._remove(_known(key))

    def keys(self) -> Iterator[str]:
        """Every complete file, for reconciling with the rows that name them."""
        return (kept.name for kept in self.store.listed() if _KEY.fullmatch(kept.name))

    def listed(self) -> Iterator[StoredName]:
        """Every file, unfinished ones included."""
        return self.store.listed()

    def discard(self, kept: StoredName) -> None:
        """Remove one that was listed."""
        self._remove(kept.name)

    def is_under_first_key(self, key: str) -> bool:
        """Whether a file is encrypted, and with the key that encrypts new ones."""
        return self._is_current(self.store.head(_known(key), HEADER))

    def rewrap(self, key: str) -> bool:
        """Put a file under the first key; False if it is. Its body is copied as it stands.

        A plain file of an older version is encrypted. Whoever reads meanwhile reads the old one or the
        new one. Whoever deletes it meanwhile may find it back: the caller looks whether it is still named.
        """
        return self._rewrap(_known(key))

    def prove_keys(self) -> None:
        """That these keys open what is here; a first start leaves the proof. Raises UnknownKey or another OSError."""
        try:
            with self._opened(PROOF) as proof:
                proof.read()
        except FileNotFoundError:
            self.store.write(PROOF, seal([], name=PROOF, ring=self.ring))

    def renew_proof(self) -> None:
        """Every file is under the first key: from now on the other ones need not be there."""
        self.prove_keys()
        self._rewrap(PROOF)

    def _opened(self, name: str) -> BinaryIO:
        try:
            file = self.store.read(name)
        except FileNotFoundError as gone:
            raise Gone(name) from gone
        try:
            plain = unseal(file, name=name, ring=self.ring)
            while plain.read(CHUNK):
                pass  # to its end before anybody gets a byte: no page is cut off in the middle
            plain.seek(0)
        except OSError:
            file.close()
            raise
        return plain

    def _remove(self, name: str) -> None:
        try:
            self.store.delete(name)
        except OSError as refused:
            logger.warning("files.not_removed", extra={"file": name, "why": type(refused).__name__})

    def _is_current(self, header: bytes) -> bool:
        return is_sealed(header) and key_id(header) == self.ring.first.id

    def _rewrap(self, name: str) -> bool:
        with self.store.read(name) as file:
            header = file.read(HEADER)
            if self._is_current(header):
                return False
            if is_sealed(header):
                anew = self.ring.wrap(self.ring.unwrap(header, name), name)
                self.store.write(name, chain([anew], _pieces(file)))
            else:
                file.seek(0)
                self.store.write(name, seal(_pieces(file), name=name, ring=self.ring))
        return True


class _Measured:
    """Plain bytes on their way in, counted and digested piece by piece."""

    def __init__(self, data: bytes | Readable) -> None:
        self.source = io.BytesIO(data) if isinstance(data, bytes) else data
        self.digest, self.size = hashlib.sha256(), 0

    def pieces(self) -> Iterator[bytes]:
        for piece in _pieces(self.source):
            self.digest.update(piece)
            self.size += len(piece)
            yield piece


def _pieces(source: Readable) -> Iterator[bytes]:
    """CHUNK bytes at a time, fewer at the end only, however little one read gives."""
    piece = b""
    while more := source.read(CHUNK - len(piece)):
        piece += more
        if len(piece) == CHUNK:
            yield piece
            piece = b""
    if piece:
        yield piece


def _known(key: str) -> str:
    """The key itself; ValueError for anything that is no key of ours."""
    if not _KEY.fullmatch(key):
        raise ValueError("not a storage key")
    return key


@cache
def _bucket(options: tuple[tuple[str, str], ...]) -> Store:
    """By name: its library is an extra. One for all threads, for it keeps connections."""
    bucket: Store = import_string("portal.core.storage.bucket.Bucket")(**dict(options))
    return bucket


private = PrivateStorage()
