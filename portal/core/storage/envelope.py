"""Files at rest: AES-256-GCM under a key of their own, which a key of the environment wraps.

    header   b"KXE1" · id of the wrapping key (8) · nonce (12) · the file's key, wrapped (32 + 16)
    body     chunks of 64 KiB of plain bytes, each followed by its tag (16); only the last is shorter

The file's key encrypts this one file once, so a chunk's number is its nonce; number and whether it
is the last one are authenticated with it: a file that was cut, extended or put in another order does
not open. The wrapping is bound to the file's name: bytes that were put under another name do not
open either. Changing the wrapping key writes a new header and leaves the body as it is.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.core.storage.store import FileUnavailable

MAGIC = b"KXE1"  # no JPEG, PNG, HEIC or PDF begins like this: what does not is plain, of an older version
ID, NONCE, TAG, KEY = 8, 12, 16, 32
HEADER = len(MAGIC) + ID + NONCE + KEY + TAG
CHUNK = 64 * 1024  # plain bytes
SEALED_CHUNK = CHUNK + TAG


class UnknownKey(FileUnavailable):
    """Wrapped with a key that EVIDENCE_KEYS does not have."""


class Damaged(FileUnavailable):
    """Cut, changed, extended, reordered, or put under another name."""


@dataclass(frozen=True, slots=True)
class WrappingKey:
    """A key of the environment: what wraps, and the id by which a header names it."""

    id: bytes
    cipher: AESGCM


class KeyRing:
    """The keys of the environment: the first one wraps, all unwrap."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        keys = [_wrapping_key(secret) for secret in secrets]
        self.first = keys[0]
        self.by_id = {key.id: key for key in keys}

    def wrap(self, file_key: bytes, name: str) -> bytes:
        """The header of a file."""
        start = MAGIC + self.first.id
        nonce = os.urandom(NONCE)
        return start + nonce + self.first.cipher.encrypt(nonce, file_key, start + name.encode())

    def unwrap(self, header: bytes, name: str) -> bytes:
        """The file's key; UnknownKey or Damaged."""
        start, rest = header[: len(MAGIC) + ID], header[len(MAGIC) + ID :]
        key = self.by_id.get(start[len(MAGIC) :])
        if key is None:
            raise UnknownKey(f"{name}: EVIDENCE_KEYS has no key {start[len(MAGIC) :].hex()}")
        try:
            return key.cipher.decrypt(rest[:NONCE], rest[NONCE:], start + name.encode())
        except (InvalidTag, ValueError) as wrong:
            raise Damaged(f"{name}: the header does not open") from wrong


@cache
def ring_of(secrets: tuple[str, ...]) -> KeyRing:
    """The ring of these secrets, of which a deployment has one."""
    return KeyRing(secrets)


@cache
def _wrapping_key(secret: str) -> WrappingKey:
    def derived(purpose: bytes, length: int) -> bytes:
        return HKDF(SHA256(), length=length, salt=None, info=purpose).derive(secret.encode())

    return WrappingKey(
        derived(b"portal.evidence.id", ID), AESGCM(derived(b"portal.evidence.wrap", KEY))
    )


def is_sealed(start: bytes) -> bool:
    """Whether a file that begins like this is one of ours; else it is plain, of an older version."""
    return start.startswith(MAGIC)


def key_id(header: bytes) -> bytes:
    """Which key wraps this file."""
    return header[len(MAGIC) : len(MAGIC) + ID]


def seal(pieces: Iterable[bytes], *, name: str, ring: KeyRing) -> Iterator[bytes]:
    """The file of plain `pieces`, which all have CHUNK bytes but the last."""
    file_key = AESGCM.generate_key(KEY * 8)
    cipher = AESGCM(file_key)
    yield ring.wrap(file_key, name)
    waiting, number = iter(pieces), 0
    held = next(waiting, b"")
    for piece in waiting:
        yield cipher.encrypt(*_nonce_first(number, held, last=False))
        held, number = piece, number + 1
    yield cipher.encrypt(*_nonce_first(number, held, last=True))


def unseal(file: BinaryIO, *, name: str, ring: KeyRing) -> BinaryIO:
    """The plain bytes of a seekable file, seekable too; UnknownKey or Damaged, now or while reading."""
    header = file.read(HEADER)
    if not is_sealed(header):
        file.seek(0)
        return file
    return io.BufferedReader(_Plain(file, AESGCM(ring.unwrap(header, name)), name), CHUNK)


def _nonce_first(number: int, data: bytes, *, last: bool) -> tuple[bytes, bytes, bytes]:
    """Nonce, data and what is authenticated with it, as the cipher takes them."""
    return number.to_bytes(NONCE), data, MAGIC + number.to_bytes(8) + bytes([last])


class _Plain(io.RawIOBase):
    """Opens one chunk at a time."""

    def __init__(self, file: BinaryIO, cipher: AESGCM, name: str) -> None:
        self.file, self.cipher, self.file_name = file, cipher, name
        body = file.seek(0, io.SEEK_END) - HEADER
        self.last = max(0, -(-body // SEALED_CHUNK) - 1)
        self.size = body - (self.last + 1) * TAG
        if self.size < (self.last * CHUNK + 1 if self.last else 0):
            raise Damaged(f"{name}: cut off")
        self.position = 0
        self.number, self.chunk = -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError("negative position")
        self.position = start + offset
        return self.position

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override] # what BufferedReader gives
        if self.position >= max(self.size, 1):  # even of an empty file the one tag is looked at
            return 0
        number = self.position // CHUNK
        if number != self.number:
            self.number, self.chunk = number, self._opened(number)
        start = self.position - number * CHUNK
        piece = self.chunk[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self.position += len(piece)
        return len(piece)

    def _opened(self, number: int) -> bytes:
        self.file.seek(HEADER + number * SEALED_CHUNK)
        sealed = self.file.read(SEALED_CHUNK)
        nonce, data, beside = _nonce_first(number, sealed, last=number == self.last)
        try:
            return self.cipher.decrypt(nonce, data, beside)
        except (InvalidTag, ValueError) as wrong:
            raise Damaged(f"{self.file_name}: chunk {number} does not open") from wrong

    def close(self) -> None:
        if not self.closed:
            self.file.close()
        super().close()
