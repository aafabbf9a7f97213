"""Private files: whole or absent, under random names, and nowhere else."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from pathlib import Path
from typing import Any

import pytest

from portal.core.storage import CHUNK, private


@pytest.fixture(autouse=True)
def root(tmp_path: Path, settings: Any) -> Path:
    settings.PRIVATE_ROOT = tmp_path / "private"
    return Path(settings.PRIVATE_ROOT)


@pytest.mark.parametrize("content", [b"", b"abc", b"x" * (CHUNK + 1)])
def test_bytes_and_files_come_back(content: bytes) -> None:
    stored = [private.save(content, ".pdf"), private.save(io.BytesIO(content), ".pdf")]

    for one in stored:
        with private.open(one.key) as file:
            assert file.read() == content
        assert (one.size, one.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert private.path(one.key).stat().st_mode & 0o777 == 0o600
    assert stored[0].key != stored[1].key
    assert sorted(private.keys()) == sorted(one.key for one in stored)


def test_delete_is_idempotent() -> None:
    stored = private.save(b"abc")
    private.delete(stored.key)
    private.delete(stored.key)

    assert not private.exists(stored.key)
    with pytest.raises(FileNotFoundError):
        private.open(stored.key)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_full_disk_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)

    with pytest.raises(OSError, match="No space"):
        private.save(b"abc")
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_broken_upload_leaves_nothing(root: Path) -> None:
    class Broken:
        def read(self, size: int = -1, /) -> bytes:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        private.save(Broken())
    assert [path for path in root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "/etc/passwd", "ab/cd", "", "ab/" + "0" * 30 + "/x"]
)
def test_only_our_keys_are_paths(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        private.path(key)


@pytest.mark.parametrize("suffix", ["/../x", ".PDF", "pdf", ".exe.toolongsuffix", ".p\n"])
def test_only_plain_suffixes(suffix: str) -> None:
    with pytest.raises(ValueError, match="suffix"):
        private.save(b"", suffix)
