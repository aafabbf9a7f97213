"""Private files, in a folder and in a bucket alike: whole or absent, encrypted, under random names."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portal.core import clock
from portal.core.storage import PROOF, private
from portal.core.storage.envelope import CHUNK, UnknownKey
from portal.core.storage.store import StoreDown, StoreRefuses
from tests.objectstore import ObjectStore

OLD, NEW = "old-evidence-key-" + "o" * 32, "new-evidence-key-" + "n" * 32


@pytest.fixture(scope="module")
def object_store() -> Iterator[ObjectStore]:
    store = ObjectStore()
    yield store
    store.go_down()


@pytest.fixture
def root(tmp_path: Path, settings: Any) -> Path:
    settings.PRIVATE_ROOT = tmp_path / "private"
    return Path(settings.PRIVATE_ROOT)


@pytest.fixture
def bucket(object_store: ObjectStore, settings: Any) -> Iterator[ObjectStore]:
    """Empty again afterwards: a client of its own for each test would cost a second."""
    settings.EVIDENCE_BUCKET = object_store.options
    yield object_store
    settings.EVIDENCE_BUCKET = object_store.options
    for name in [*(kept.name for kept in private.listed()), PROOF]:
        private.store.delete(name)


@pytest.fixture(params=["folder", "bucket"])
def place(request: Any) -> None:
    """Both of them must do everything below."""
    request.getfixturevalue("root" if request.param == "folder" else "bucket")


def plain(key: str) -> bytes:
    with private.open(key) as file:
        return file.read()


def at_rest(key: str) -> bytes:
    with private.store.read(key) as file:
        return file.read()


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("content", [b"", b"abc", b"x" * (CHUNK + 1)])
def test_bytes_and_files_come_back(content: bytes) -> None:
    stored = [private.save(content, ".pdf"), private.save(io.BytesIO(content), ".pdf")]

    for one in stored:
        with private.open(one.key) as file:
            assert file.read() == content
        assert (one.size, one.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert not content or content not in at_rest(one.key)
    assert stored[0].key != stored[1].key
    assert sorted(private.keys()) == sorted(one.key for one in stored)


@pytest.mark.usefixtures("place")
def test_sources_that_give_little_at_a_time_are_read_to_their_end() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 1000))

    stored = private.save(Trickle(b"y" * 100_000))

    with private.open(stored.key) as file:
        assert file.read() == b"y" * 100_000


@pytest.mark.usefixtures("place")
def test_delete_is_idempotent() -> None:
    stored = private.save(b"abc")
    private.delete(stored.key)
    private.delete(stored.key)

    assert not private.exists(stored.key)
    with pytest.raises(FileNotFoundError):
        private.open(stored.key)
    with pytest.raises(FileNotFoundError):
        private.is_under_first_key(stored.key)


@pytest.mark.usefixtures("place")
def test_a_broken_upload_leaves_nothing() -> None:
    class Broken:
        def read(self, size: int = -1, /) -> bytes:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        private.save(Broken())
    assert list(private.listed()) == []


@pytest.mark.usefixtures("place")
def test_it_is_listed_when_it_was_written() -> None:
    stored = private.save(b"abc")

    [kept] = private.listed()

    assert kept.name == stored.key
    assert abs(kept.written_at - clock.real_now()) < timedelta(minutes=1)
    private.discard(kept)
    assert list(private.keys()) == []


@pytest.mark.usefixtures("place")
def test_a_change_of_keys_changes_the_header_alone(settings: Any) -> None:
    settings.EVIDENCE_KEYS = [OLD]
    stored = private.save(b"z" * 100_000)
    before = at_rest(stored.key)
    settings.EVIDENCE_KEYS = [NEW, OLD]
    assert not private.is_under_first_key(stored.key)

    with private.open(stored.key) as reading:
        assert [private.rewrap(stored.key), private.rewrap(stored.key)] == [True, False]
        assert reading.read() == b"z" * 100_000  # whoever had opened it reads on

    settings.EVIDENCE_KEYS = [NEW]
    assert private.is_under_first_key(stored.key)
    assert plain(stored.key) == b"z" * 100_000
    after = at_rest(stored.key)
    assert (after[72:], after[:72] == before[:72]) == (before[72:], False)


@pytest.mark.usefixtures("place")
def test_a_plain_file_of_an_older_version_is_read_and_then_encrypted() -> None:
    key = "ab/" + "0" * 30 + ".jpg"
    photograph = b"\xff\xd8 a photograph " * 9000
    private.store.write(key, iter([photograph]))
    assert plain(key) == photograph

    assert private.rewrap(key)

    assert plain(key) == photograph
    assert private.is_under_first_key(key)
    assert b"photograph" not in at_rest(key)


@pytest.mark.usefixtures("place")
def test_the_proof_opens_as_long_as_its_key_is_there(settings: Any) -> None:
    settings.EVIDENCE_KEYS = [OLD]
    private.prove_keys()
    assert list(private.keys()) == []  # it is nobody's file

    settings.EVIDENCE_KEYS = [NEW]
    with pytest.raises(UnknownKey):
        private.prove_keys()
    settings.EVIDENCE_KEYS = [NEW, OLD]
    private.prove_keys()
    private.renew_proof()
    settings.EVIDENCE_KEYS = [NEW]
    private.prove_keys()
    assert private.store.exists(PROOF)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_full_disk_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)

    with pytest.raises(OSError, match="No space"):
        private.save(b"abc")
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_disk_that_is_full_while_keys_change_leaves_what_was_there(
    root: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = private.save(b"abc")
    settings.EVIDENCE_KEYS = [NEW, *settings.EVIDENCE_KEYS]

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space"):
        private.rewrap(stored.key)
    assert plain(stored.key) == b"abc"
    assert [kept.name for kept in private.listed()] == [stored.key]


def test_nobody_else_of_the_machine_may_read(root: Path) -> None:
    stored = private.save(b"abc")

    assert (root / stored.key).stat().st_mode & 0o777 == 0o600
    assert (root / stored.key).parent.stat().st_mode & 0o777 == 0o700


def test_a_bucket_that_does_not_answer_loses_nothing(bucket: ObjectStore) -> None:
    stored = private.save(b"abc")
    bucket.go_down()
    try:
        for attempt in (
            lambda: private.open(stored.key),
            lambda: private.save(b"more"),
            lambda: private.exists(stored.key),
            lambda: private.rewrap(stored.key),
            lambda: list(private.keys()),
            private.prove_keys,
        ):
            with pytest.raises(StoreDown):
                attempt()
        private.delete(stored.key)  # not told to whoever has nothing more to do with it
    finally:
        bucket.go_up()

    assert plain(stored.key) == b"abc"
    assert list(private.keys()) == [stored.key]


def test_a_bucket_that_is_not_there_refuses(bucket: ObjectStore, settings: Any) -> None:
    settings.EVIDENCE_BUCKET = {**settings.EVIDENCE_BUCKET, "bucket": "nobody-made-it"}

    with pytest.raises(StoreRefuses):
        private.prove_keys()
    with pytest.raises(StoreRefuses):
        list(private.keys())


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "/etc/passwd", "ab/cd", "", "ab/" + "0" * 30 + "/x", PROOF]
)
def test_only_our_keys_are_names(root: Path, key: str) -> None:
    for use in (private.open, private.exists, private.delete, private.rewrap):
        with pytest.raises(ValueError, match="key"):
            use(key)


@pytest.mark.parametrize("suffix", ["/../x", ".PDF", "pdf", ".exe.toolongsuffix", ".p\n"])
def test_only_plain_suffixes(root: Path, suffix: str) -> None:
    with pytest.raises(ValueError, match="suffix"):
        private.save(b"", suffix)
