"""With a scanner each file waits for its verdict; without a verdict nothing passes, and nothing is lost."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from socketserver import ThreadingTCPServer
from threading import Thread
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.storage import private
from portal.core.storage.folder import Folder
from portal.core.storage.store import StoreDown
from relief.cases.workflow import State
from relief.evidence import antivirus
from relief.evidence.access_log import open_evidence
from relief.evidence.antivirus import ScannerDown, Verdict, scan
from relief.evidence.checks import check_file, check_pending
from relief.evidence.files import Upload, add_evidence
from relief.evidence.kinds import LONG_WAIT, LONG_WAIT_NOTE
from relief.evidence.models import Evidence
from tests import factories
from tests.clamd import EICAR, Clamd, Session
from tests.relief.desk.desk import at_desk, client_of
from tests.relief.people import FILE, NOW, add, borrower, draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def clamd(settings: Any) -> Iterator[Clamd]:
    with tempfile.TemporaryDirectory(prefix="clamd-") as folder:  # a socket's path has to be short
        stub = Clamd(Path(folder, "ctl"))
        settings.CLAMD = stub.url
        stub.start()
        yield stub
        if stub.path.exists():
            stub.stop()


@pytest.fixture(autouse=True)
def _private_folder(tmp_path: Path, settings: Any) -> None:
    settings.PRIVATE_ROOT = tmp_path


def checked(made: Evidence) -> tuple[str, str]:
    check_file(evidence_id=made.pk, now=NOW)
    made.refresh_from_db()
    return made.state, made.reason


def test_without_a_scanner_nobody_is_asked(settings: Any) -> None:
    assert settings.CLAMD == ""
    assert not antivirus.is_on()
    assert checked(add(draft(borrower()))) == ("passed", "")


def test_a_clean_file_passes_once_it_was_scanned(clamd: Clamd) -> None:
    assert checked(add(draft(borrower()))) == ("passed", "")
    assert clamd.scanned == [FILE["I01a"].data]


def test_a_virus_is_refused_before_anything_decodes_it(clamd: Clamd, monkeypatch: Any) -> None:
    monkeypatch.setattr("relief.evidence.sandbox.check", None)
    case = draft(borrower())
    infected = Upload("证明.jpg", io.BytesIO(FILE["I01a"].data + EICAR))
    made = add_evidence(case=case, kind="income", upload=infected, actor=case.borrower, now=NOW)

    assert checked(made) == ("replace", "infected")
    assert made.problem == "病毒检查发现问题，请用杀毒软件清理后重新导出，或换一份上传"
    assert not made.is_open


def test_what_is_above_the_scanners_limit_is_refused_not_passed(clamd: Clamd) -> None:
    clamd.limit = 100

    assert checked(add(draft(borrower()))) == ("replace", "too_heavy")


@pytest.mark.parametrize("way", ["not there", "an error", "killed while it reads", "says nothing"])
def test_without_a_verdict_a_file_waits_and_passes_later(clamd: Clamd, way: str) -> None:
    made = add(draft(borrower()))
    if way == "not there":
        clamd.stop()
    elif way == "an error":
        clamd.trouble = b"stream: Can't allocate memory ERROR"
    elif way == "says nothing":
        clamd.trouble = b" "
    else:
        clamd.dies_after = 10

    assert checked(made) == ("checking", "")
    assert check_pending(now=NOW) == 0
    with pytest.raises(RuleViolation, match="正在检查"):
        open_evidence(evidence=made, actor=made.case.borrower, now=NOW)

    if way == "not there":
        clamd.start()
    clamd.trouble, clamd.dies_after = b"", None
    assert check_pending(now=NOW) == 1
    made.refresh_from_db()
    assert made.state == "passed"


def told(owner: Client, desk: Client, made: Evidence) -> tuple[bool, bool, str, int]:
    """Whether the borrower's list and the desk's page speak of a long wait, the board's line, and /readyz."""
    page = reverse("admin:relief_case_change", args=[made.case_id])
    papers = reverse("relief:supply", args=[made.case.public_id])
    board = re.search(
        r"\d+ 份材料等待安全检查太久，最早的一份已等 \d+ 分钟", said(desk, reverse("admin:index"))
    )
    waited = desk.get("/readyz").json()["oldest_unchecked_file_seconds"]
    pages = (LONG_WAIT_NOTE in said(owner, papers), LONG_WAIT_NOTE in said(desk, page))
    return *pages, board[0] if board else "", waited


def said(client: Client, path: str) -> str:
    return str(client.get(path).content.decode())


def test_a_long_wait_is_told_to_borrower_and_desk_until_it_is_over(clamd: Clamd) -> None:
    case = factories.case_at(State.IN_REVIEW, now=NOW)
    Evidence.objects.filter(case=case).delete()
    made = add(case)
    clamd.stop()
    owner, desk = client_of(case.borrower), at_desk()

    with clock.frozen(NOW + LONG_WAIT - timedelta(seconds=1)):
        assert check_pending(now=clock.now()) == 0
        assert told(owner, desk, made) == (False, False, "", 299)
    with clock.frozen(NOW + timedelta(minutes=12)):
        assert check_pending(now=clock.now()) == 0
        line = "1 份材料等待安全检查太久，最早的一份已等 12 分钟"
        assert told(owner, desk, made) == (True, True, line, 720)
        assert desk.get("/readyz").status_code == 503

        clamd.start()
        assert check_pending(now=clock.now()) == 1
        assert told(owner, desk, made) == (False, False, "", 0)


def test_one_that_waits_holds_up_no_other(clamd: Clamd, settings: Any, monkeypatch: Any) -> None:
    case = draft(borrower())
    waits, passes = add(case), add(case, "P01")
    verdicts = iter([ScannerDown("no reply"), Verdict.CLEAN])

    def one_by_one(source: Any) -> Verdict:
        verdict = next(verdicts)
        if isinstance(verdict, ScannerDown):
            raise verdict
        return verdict

    monkeypatch.setattr(antivirus, "scan", one_by_one)

    assert check_pending(now=NOW) == 1
    waits.refresh_from_db()
    passes.refresh_from_db()
    assert (waits.state, passes.state) == ("checking", "passed")


def test_the_protocol_by_tcp_too(settings: Any) -> None:
    with ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.stub = Clamd(Path("/unused"))  # type: ignore[attr-defined]
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        settings.CLAMD = f"tcp://127.0.0.1:{server.server_address[1]}"
        assert antivirus.answers()
        assert scan(io.BytesIO(b"x" * 200_000)) == Verdict.CLEAN
        assert scan(io.BytesIO(EICAR)) == Verdict.INFECTED
        server.shutdown()


def test_a_place_of_files_that_is_silent_is_waited_for(monkeypatch: Any) -> None:
    made = add(draft(borrower()))
    read = Folder.read

    def silent(folder: Folder, name: str) -> Any:
        raise StoreDown("no answer")

    monkeypatch.setattr(Folder, "read", silent)
    assert checked(made) == ("checking", "")
    monkeypatch.setattr(Folder, "read", read)
    assert checked(made) == ("passed", "")


def test_a_disk_that_is_full_during_the_check_is_waited_for(monkeypatch: Any) -> None:
    made = add(draft(borrower()))
    write = Folder.write

    def full(folder: Folder, name: str, pieces: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Folder, "write", full)
    assert checked(made) == ("checking", "")
    monkeypatch.setattr(Folder, "write", write)
    assert checked(made) == ("passed", "")


@pytest.mark.parametrize("way", ["silent", "damaged", "gone"])
def test_a_file_that_cannot_be_had_is_told_in_a_sentence(
    client: Any, monkeypatch: Any, settings: Any, way: str
) -> None:
    made = add(draft(borrower()))
    checked(made)
    path = Path(settings.PRIVATE_ROOT, made.clean_key)
    if way == "silent":
        monkeypatch.setattr(Folder, "read", lambda *_: (_ for _ in ()).throw(StoreDown("")))
    elif way == "damaged":
        path.write_bytes(path.read_bytes()[:90])
    else:
        private.delete(made.clean_key)
    client.force_login(made.case.borrower)

    answer = client.get(f"/relief/files/{made.public_id}/")

    assert answer.status_code == 503
    assert "文件现在读不出来，没有丢失，请过几分钟再试" in answer.content.decode()
