"""All files come under the first key while people work; what was stopped is taken up again."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portal.core import clock
from portal.core.storage import private
from portal.core.storage.envelope import UnknownKey
from portal.core.storage.folder import Folder
from portal.core.storage.store import StoreDown
from relief.evidence import reconcile, rotation
from relief.evidence.models import Evidence
from relief.evidence.retention import purge_expired_evidence
from relief.evidence.rotation import rotate_keys
from tests.relief.people import NOW, added_and_checked, borrower, draft

pytestmark = pytest.mark.django_db
OLD, NEW = "old-evidence-key-" + "o" * 32, "new-evidence-key-" + "n" * 32


@pytest.fixture(autouse=True)
def _old_keys(tmp_path: Path, settings: Any) -> None:
    """What there is, was written under the old key."""
    settings.PRIVATE_ROOT = tmp_path
    settings.EVIDENCE_KEYS = [OLD]
    private.prove_keys()


def plain(key: str) -> bytes:
    with private.open(key) as file:
        return file.read()


def files() -> dict[str, bytes]:
    return {kept.name: plain(kept.name) for kept in private.listed()}


def said(capsys: Any) -> str:
    call_command("rotate_evidence_keys")
    return str(capsys.readouterr().out).splitlines()[-1]


def test_afterwards_the_old_key_is_not_needed(settings: Any, capsys: Any) -> None:
    case = draft(borrower())
    made = added_and_checked(case)
    added_and_checked(case, "P01")
    before = files()
    Folder(settings.PRIVATE_ROOT).write(made.clean_key, iter([before[made.clean_key]]))  # plain
    settings.EVIDENCE_KEYS = [NEW, OLD]

    assert said(capsys) == (
        f"共 {len(before)} 个文件，本次更换 {len(before)} 个，全部已使用第一个密钥；旧密钥可以去掉了"
    )
    assert "本次更换 0 个" in said(capsys)

    settings.EVIDENCE_KEYS = [NEW]
    private.prove_keys()
    assert files() == before
    assert all(
        before[key] not in path.read_bytes()
        for key in before
        for path in [Path(settings.PRIVATE_ROOT, key)]
    )


def test_the_old_key_must_stay_until_all_is_done(settings: Any) -> None:
    added_and_checked(draft(borrower()))
    settings.EVIDENCE_KEYS = [NEW]

    with pytest.raises(UnknownKey):
        private.prove_keys()
    with pytest.raises(CommandError, match="打不开或已损坏"):
        call_command("rotate_evidence_keys")
    with pytest.raises(UnknownKey):  # it is not declared done
        private.prove_keys()


def test_what_was_stopped_is_taken_up_again(settings: Any, monkeypatch: Any, capsys: Any) -> None:
    case = draft(borrower())
    for code in ("I01a", "P01"):
        added_and_checked(case, code)
    before = files()
    settings.EVIDENCE_KEYS = [NEW, OLD]
    write, writes = Folder.write, []

    def down_at_the_third(folder: Folder, name: str, pieces: Iterator[bytes]) -> None:
        writes.append(name)
        if len(writes) == 3:
            raise StoreDown("no answer")
        write(folder, name, pieces)

    monkeypatch.setattr(Folder, "write", down_at_the_third)

    with pytest.raises(CommandError, match="恢复后请再运行一次"):
        call_command("rotate_evidence_keys")
    assert files() == before
    assert f"本次更换 {len(before) - 2} 个" in said(capsys)


def test_an_upload_in_progress_is_left_alone_and_said(settings: Any, capsys: Any) -> None:
    added_and_checked(draft(borrower()))
    unfinished = private.save(b"its row is not committed yet")
    settings.EVIDENCE_KEYS = [NEW, OLD]

    with pytest.raises(CommandError, match="还有 1 个文件正在上传或已作废"):
        call_command("rotate_evidence_keys")
    assert plain(unfinished.key) == b"its row is not committed yet"

    reconcile.remove_orphans(before=clock.real_now() + timedelta(hours=1))
    assert "旧密钥可以去掉了" in said(capsys)


def test_what_is_purged_meanwhile_does_not_come_back(
    settings: Any, monkeypatch: Any, django_capture_on_commit_callbacks: Any
) -> None:
    made = added_and_checked(draft(borrower()))
    Evidence.objects.update(purge_on=NOW.date(), withdrawn_at=NOW)
    settings.EVIDENCE_KEYS = [NEW, OLD]
    write = Folder.write

    def purge_first(folder: Folder, name: str, pieces: Iterator[bytes]) -> None:
        """Between the rotation's reading and its writing."""
        monkeypatch.setattr(Folder, "write", write)
        with django_capture_on_commit_callbacks(execute=True):
            assert purge_expired_evidence(now=NOW) == 1
        write(folder, name, pieces)

    monkeypatch.setattr(Folder, "write", purge_first)

    assert rotate_keys().is_complete
    assert list(private.keys()) == []
    made.refresh_from_db()
    assert made.bytes_purged_at is not None


def test_a_damaged_file_is_counted_and_stops_nothing(settings: Any) -> None:
    case = draft(borrower())
    made, whole = added_and_checked(case), added_and_checked(case, "P01")
    path = Path(settings.PRIVATE_ROOT, made.clean_key)
    path.write_bytes(path.read_bytes()[:20])
    settings.EVIDENCE_KEYS = [NEW, OLD]

    done = rotate_keys()

    assert (done.unreadable, done.is_complete) == (1, False)
    assert private.is_under_first_key(whole.clean_key)


def test_people_read_and_write_while_keys_change(settings: Any, monkeypatch: Any) -> None:
    kept = {private.save(bytes([n]) * 200_000).key: bytes([n]) * 200_000 for n in range(6)}
    settings.EVIDENCE_KEYS = [NEW, OLD]
    monkeypatch.setattr(rotation, "named_among", set)
    done, wrong = Event(), []

    def work() -> int:
        rounds = 0
        while not done.is_set() or not rounds:
            new = private.save(io.BytesIO(b"new" * 50_000))
            wrong.extend(key for key, data in kept.items() if plain(key) != data)
            if plain(new.key) != b"new" * 50_000:
                wrong.append(new.key)
            private.delete(new.key)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(work) for _ in range(3)]
        try:
            for keys in ([NEW, OLD], [OLD, NEW]) * 2:
                settings.EVIDENCE_KEYS = keys
                rotate_keys()
        finally:
            done.set()

    assert wrong == []
    assert all(each.result() > 1 for each in working)
