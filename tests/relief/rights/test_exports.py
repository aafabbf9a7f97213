"""A copy of one's own data: whole, one's own only, for a day, made once whatever dies on the way."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from portal.core import clock
from portal.core.accounts import drafts
from portal.core.errors import RuleViolation
from portal.core.kernel.devices import Origin
from portal.core.models import Delivery, Document, Notice, SecurityEvent, User
from portal.core.storage import private
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.conversation import messages
from relief.evidence import reconcile
from relief.evidence.access_log import open_evidence
from relief.evidence.checks import check_file
from relief.evidence.models import Evidence
from relief.presenters import own_data
from relief.presenters.own_data import parts_of
from relief.rights import exports
from relief.rights.models import DataExport, ExportState
from tests import factories
from tests.corpus.build import FILES
from tests.factories import NOW, PASSWORD

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
PAGE = reverse("portal:export")
HERE = Origin("203.0.113.7", "Chrome，Windows")
REAL = NOW + timedelta(days=3)  # real time is another than a demo's


@pytest.fixture(autouse=True)
def _frozen(tmp_path: Path, settings: Any) -> Iterator[None]:
    settings.PRIVATE_ROOT = tmp_path
    with clock.frozen(NOW):
        yield


@pytest.fixture
def case() -> Case:
    """A signed case with a file that staff have looked at, and words on both sides."""
    case = factories.draft_case()
    paper = factories.add_file(case, kind="bank_flow")
    picture = next(file.data for file in FILES if file.code == "I01a")
    key = private.save(picture).key
    Evidence.objects.filter(pk=paper.pk).update(stored_key=key)
    Evidence.objects.filter(pk=paper.pk).update(content_type="image/jpeg")
    check_file(evidence_id=paper.pk, now=NOW)
    for step in factories.PATHS[State.PLAN_ACTIVE]:
        step(case, NOW)
        case.refresh_from_db()
    return case


def ask(user: User, real: Any = REAL) -> DataExport:
    return exports.ask_for_export(user=user, origin=HERE, now=NOW, real=real)


def make(export: DataExport, real: Any = REAL, parts: exports.PartsOfCopy = parts_of) -> bool:
    return exports.make_export(export_id=export.pk, parts=parts, now=NOW, real=real)


def made(user: User) -> DataExport:
    export = ask(user)
    assert make(export)
    export.refresh_from_db()
    return export


def opened(export: DataExport) -> ZipFile:
    with private.open(export.stored_key) as file:
        return ZipFile(io.BytesIO(file.read()))


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def file_of(export: DataExport) -> str:
    return reverse("portal:export-file", args=[export.public_id])


# --- What is in it -------------------------------------------------------------------------------


def test_everything_is_there_and_reads_the_same_three_times(case: Case) -> None:
    paper = case.evidence.exclude(clean_key="").get()
    agent = factories.staff()
    open_evidence(evidence=paper, actor=agent, now=NOW)
    drafts.save(user=case.borrower, path=reverse("relief:service-send"), fields=QueryDict("text=x"))

    archive = opened(made(case.borrower))

    assert archive.testzip() is None
    names = set(archive.namelist())
    for table in own_data.tables_of(case.borrower, NOW):
        page = archive.read(f"pages/{table.name}.html").decode()
        sheet = archive.read(f"csv/{table.name}.csv").decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(sheet)))
        records = json.loads(archive.read(f"json/{table.name}.json"))
        assert len(rows) - 1 == len(records) == page.count("<tr><td>"), table.name
        assert len(records) > 0 or table.name == "security", table.name
        assert f"pages/{table.name}.html" in archive.read("index.html").decode()
    look = json.loads(archive.read("json/looks.json"))[0]
    assert look["who"] == agent.public_name
    [row] = [r for r in json.loads(archive.read("json/files.json")) if r["in_this_copy"]]
    with open_evidence(evidence=paper, actor=case.borrower, now=NOW).stream as own:
        assert archive.read(row["in_this_copy"]) == own.read()
    agreement = Document.objects.get(user=case.borrower)
    assert archive.read(f"papers/{agreement.file_name}").startswith(b"%PDF-")
    statement = f"csv/statement-{case.loan.number}.csv"
    assert statement in names
    assert "期初余额" in archive.read(statement).decode()


def test_nothing_of_others_and_no_internal_word_is_there(case: Case) -> None:
    agent = factories.staff()
    messages.staff_say(
        conversation=messages.conversation_of(borrower=case.borrower, now=NOW),
        text="内部：注意核对流水",
        actor=agent,
        internal=True,
        now=NOW,
    )
    other = factories.case_at(State.OFFERED)

    archive = opened(made(case.borrower))

    everything = "\n".join(
        archive.read(name).decode(errors="replace")
        for name in archive.namelist()
        if not name.startswith(("files/", "papers/"))
    )
    for secret in (other.number, other.borrower.phone, "内部：注意核对流水", agent.username):
        assert secret not in everything
    assert agent.name not in everything
    assert case.number in everything


def test_text_that_would_be_markup_or_a_formula_is_text(case: Case) -> None:
    messages.say(text="=1+1 <script>alert(1)</script>", actor=case.borrower, now=NOW)

    archive = opened(made(case.borrower))

    assert "<script>" not in archive.read("pages/messages.html").decode()
    assert "\"'=1+1" in archive.read("csv/messages.csv").decode()


def test_a_newcomer_has_a_copy_too() -> None:
    archive = opened(made(factories.borrower()))

    assert json.loads(archive.read("json/cases.json")) == []
    assert len(json.loads(archive.read("json/profile.json"))) == 1


def test_memory_does_not_grow_with_the_files() -> None:
    size = 24 * 1024 * 1024
    case = factories.draft_case()
    paper = case.evidence.get()
    Evidence.objects.filter(pk=paper.pk).update(clean_key=private.save(b"\xff" * size).key)
    Evidence.objects.filter(pk=paper.pk).update(state="passed")
    export = ask(case.borrower)
    opened(made(factories.borrower()))  # whatever is imported at first use

    tracemalloc.start()
    try:
        assert make(export)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    export.refresh_from_db()
    assert export.size > size
    assert peak < size // 3


# --- Asked for, made, ended ----------------------------------------------------------------------


def test_a_second_click_is_the_first() -> None:
    user = factories.borrower()

    assert ask(user) == ask(user)

    assert DataExport.objects.count() == 1
    assert SecurityEvent.objects.filter(user=user, kind="EXPORT_ASKED").count() == 1


def test_three_a_day_and_then_the_moment_is_named() -> None:
    user = factories.borrower()
    for hours in (0, 1, 2):
        assert make(ask(user, REAL + timedelta(hours=hours)))

    with pytest.raises(RuleViolation, match="最多生成 3 次，请约 21 小时后再试"):
        ask(user, REAL + timedelta(hours=3))
    ask(user, REAL + timedelta(hours=24))


def test_it_is_told_when_it_is_ready() -> None:
    export = made(factories.borrower())

    assert (export.state, export.percent) == (ExportState.READY, 100)
    assert export.expires_at == REAL + timedelta(hours=24)
    notice = Notice.objects.get(user=export.user, event="export_ready")
    assert (notice.link, notice.category) == (PAGE, "system")
    assert "3月6日 10:00 前" in notice.body
    assert Delivery.objects.filter(event="export_ready", mandatory=True).count() == 1
    assert make(export) is False


def test_a_worker_that_dies_in_the_middle_leaves_it_to_the_next() -> None:
    user = factories.borrower()
    export = ask(user)

    def die(archive: ZipFile) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        make(export, parts=lambda user, now: [*parts_of(user, now)[:3], die])
    export.refresh_from_db()
    assert (export.state, export.parts_done) == (ExportState.MAKING, 3)
    assert list(private.keys()) == []

    early = REAL + exports.LEASE - timedelta(seconds=1)
    assert exports.make_pending(parts=parts_of, now=NOW, real=early) == 0
    assert exports.make_pending(parts=parts_of, now=NOW, real=REAL + exports.LEASE) == 1

    export.refresh_from_db()
    assert (export.state, export.attempt) == (ExportState.READY, 2)
    assert opened(export).testzip() is None
    assert Notice.objects.filter(user=user, event="export_ready").count() == 1


def test_a_worker_that_wakes_up_late_changes_nothing() -> None:
    export = ask(factories.borrower())
    later = REAL + exports.LEASE

    def sleep(archive: ZipFile) -> None:
        assert exports.make_pending(parts=parts_of, now=NOW, real=later) == 1

    assert make(export, parts=lambda user, now: [sleep]) is False

    export.refresh_from_db()
    assert (export.state, export.attempt) == (ExportState.READY, 2)
    assert list(private.keys()) == [export.stored_key]


def test_after_five_attempts_it_is_given_up_and_told() -> None:
    user = factories.borrower()
    export = ask(user)

    def full(archive: ZipFile) -> None:
        raise OSError(28, "No space left on device")

    real = REAL
    for _ in range(exports.MAX_ATTEMPTS):
        with pytest.raises(OSError, match="No space"):
            make(export, real=real, parts=lambda user, now: [full])
        real += exports.LEASE
    assert make(export, real=real) is False

    export.refresh_from_db()
    assert export.state == ExportState.FAILED
    assert Notice.objects.filter(user=user, event="export_failed").count() == 1
    assert ask(user, real) != export


def test_the_bytes_go_with_the_day(django_capture_on_commit_callbacks: Any) -> None:
    export = made(factories.borrower())
    assert reconcile.remove_orphans(before=clock.real_now() + timedelta(days=1)) == 0
    end = REAL + timedelta(hours=24)

    with django_capture_on_commit_callbacks(execute=True):
        assert exports.end_overdue(real=end - timedelta(seconds=1)) == 0
        assert exports.end_overdue(real=end) == 1

    export.refresh_from_db()
    assert (export.state, export.stored_key) == (ExportState.ENDED, "")
    assert len(export.sha256) == 64
    assert list(private.keys()) == []


def test_an_expired_link_gives_nothing_though_the_bytes_are_there() -> None:
    export = made(factories.borrower())
    over = REAL + timedelta(hours=24)

    with pytest.raises(RuleViolation, match="已过期"):
        exports.download(export=export, origin=HERE, now=NOW, real=over)

    assert private.exists(export.stored_key)
    assert not SecurityEvent.objects.filter(kind="EXPORT_DOWNLOADED").exists()


# --- On screen -----------------------------------------------------------------------------------


def test_it_takes_the_password_to_begin_and_to_download() -> None:
    user = factories.borrower()
    browser = logged_in(user)

    refused = browser.post(PAGE, {"password": "wrong"})
    assert refused.status_code == 422
    assert "密码" in refused.content.decode()
    assert not DataExport.objects.exists()

    assert browser.post(PAGE, {"password": PASSWORD}).status_code == 302
    export = DataExport.objects.get()
    assert make(export, real=clock.real_now())
    assert browser.get(file_of(export))["Location"] == PAGE
    assert browser.post(file_of(export)).status_code == 422
    assert browser.post(file_of(export), {"password": "wrong"}).status_code == 422

    answer = browser.post(file_of(export), {"password": PASSWORD})

    body = b"".join(answer.streaming_content)
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == f'attachment; filename="{export.file_name}"'
    assert int(answer["Content-Length"]) == len(body)
    assert ZipFile(io.BytesIO(body)).testzip() is None
    kinds = SecurityEvent.objects.filter(user=user).order_by("pk").values_list("kind", flat=True)
    assert [kind for kind in kinds if "EXPORT" in kind] == ["EXPORT_ASKED", "EXPORT_DOWNLOADED"]
    assert "第 1 次" in Notice.objects.get(event="export_downloaded").body


def test_its_progress_is_a_part_and_a_page() -> None:
    export = ask(factories.borrower())
    browser = logged_in(export.user)
    DataExport.objects.filter(pk=export.pk).update(
        state=ExportState.MAKING, parts_done=3, parts_total=12
    )

    part, page = browser.get(PAGE, headers=HTMX), browser.get(PAGE)

    for text in (part.content.decode(), page.content.decode()):
        assert '<progress class="mt8" value="25" max="100"' in text
        assert 'hx-trigger="poll"' in text
        assert f'href="{PAGE}">刷新进度' in text
    assert "<html" not in part.content.decode()

    DataExport.objects.filter(pk=export.pk).update(state=ExportState.WAITING)
    assert make(export, real=clock.real_now())
    ready = browser.get(PAGE, headers=HTMX).content.decode()
    assert file_of(export) in ready
    assert "hx-trigger" not in ready


def test_a_copy_of_another_is_not_there() -> None:
    export = made(factories.borrower())
    stranger = logged_in(factories.borrower())

    for method in (stranger.get, stranger.post):
        assert method(file_of(export), {"password": PASSWORD}).status_code == 404
    assert logged_in(factories.staff()).get(file_of(export)).status_code == 403
    assert file_of(export) not in stranger.get(PAGE).content.decode()
