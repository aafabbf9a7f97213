"""Files of a case: taken, checked, judged, replaced, shown, and every look written down."""

from __future__ import annotations

import errno
import io
import random
import re
from datetime import timedelta

import pytest
from django.conf import settings

from portal.core.errors import RuleViolation, StaleWrite
from portal.core.kernel.errors import InvalidInput
from portal.core.kernel.roles import Rank
from portal.core.storage import private
from portal.management.commands.run_demo import child_commands
from portal.site.celery import app
from relief.cases.workflow import State
from relief.conversation.models import Message
from relief.evidence import checks
from relief.evidence.access_log import open_evidence
from relief.evidence.checks import check_file, check_pending
from relief.evidence.files import Upload, add_evidence, judge_evidence, remove_evidence
from relief.evidence.models import Evidence
from tests.corpus.build import FILES, FileCase
from tests.relief.people import (
    NOW,
    add,
    added_and_checked,
    borrower,
    draft,
    in_state,
    staff,
    upload,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _private_folder(tmp_path, settings) -> None:
    settings.PRIVATE_ROOT = tmp_path


# One of each way to end; test_filecheck asks the check about every file.
ENDS = [file for file in FILES if file.code in {"I01a", "I08", "I12b", "I20", "P01", "P02", "P10"}]


@pytest.mark.parametrize("file", ENDS, ids=lambda file: file.code)
def test_a_file_ends_as_the_check_says(file: FileCase) -> None:
    case = draft(borrower())
    if file.expect == "upload":
        with pytest.raises(InvalidInput) as refused:
            add(case, file.code)

        assert refused.value.field == "file"
        assert not Evidence.objects.exists()
        assert list(private.keys()) == []
        return

    made = added_and_checked(case, file.code)

    if file.expect == "accept":
        assert (made.state, made.problem, made.is_open) == ("passed", "", True)
        assert sorted(private.keys()) == sorted(made.stored_keys())
        assert made.drawn_pages.count() == made.pages
    else:
        assert (made.state, made.reason, made.is_open) == ("replace", file.expect, False)
        assert made.problem


def test_a_new_file_is_private_and_being_checked() -> None:
    case = draft(borrower())

    made = add_evidence(
        case=case,
        kind="income",
        upload=upload("P01", "../../工资证明（3月）.pdf"),
        actor=case.borrower,
        now=NOW,
    )

    assert made.state == "checking"
    assert made.get_state_display() == "检查中"
    assert made.original_name == "工资证明（3月）.pdf"
    assert made.content_type == "application/pdf"
    assert "工资" not in made.stored_key
    assert list(case.evidence.counted()) == [made]
    with pytest.raises(RuleViolation, match="正在检查"):
        open_evidence(evidence=made, actor=case.borrower, now=NOW)


@pytest.mark.parametrize(
    ("name", "size", "sentence"),
    [
        ("无", None, "未收到文件，请重新选择"),
        ("空.jpg", 0, "文件是空的，请重新选择"),
        ("大.jpg", 20 * 1024 * 1024, "文件超过 10 MB（当前 20.0 MB），请压缩后重新选择"),
        ("说明.jpg", 3000, "文件类型不支持。请改为 JPG、PNG、HEIC 或 PDF"),
    ],
)
def test_a_bad_file_gets_its_sentence(name: str, size: int | None, sentence: str) -> None:
    case = draft(borrower())
    given = None if size is None else Upload(name, io.BytesIO(b"t" * size))

    with pytest.raises(InvalidInput) as refused:
        add_evidence(case=case, kind="income", upload=given, actor=case.borrower, now=NOW)

    assert (refused.value.field, refused.value.message) == ("file", sentence)


def test_an_unknown_kind_names_its_field() -> None:
    case = draft(borrower())

    with pytest.raises(InvalidInput) as refused:
        add(case, kind="passport")

    assert refused.value.field == "kind"


def test_the_same_file_twice_is_refused_until_it_is_removed() -> None:
    case = draft(borrower())
    first = add(case)

    with pytest.raises(RuleViolation, match="已上传过相同文件"):
        add(case, kind="hardship")
    remove_evidence(evidence=first, actor=case.borrower, now=NOW)
    again = add(case)

    assert list(case.evidence.current()) == [again]
    assert len(list(private.keys())) == 2


def test_the_twenty_first_file_is_refused() -> None:
    case = draft(borrower())
    noise = random.Random(1)
    for _ in range(20):
        head = upload("I01a").content.read()
        content = io.BytesIO(head + noise.randbytes(8))
        add_evidence(
            case=case,
            kind="income",
            upload=Upload("a.jpg", content),
            actor=case.borrower,
            now=NOW,
        )

    with pytest.raises(InvalidInput, match="最多上传 20 份"):
        add(case, "P01")


def test_a_full_disk_is_said_plainly_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    case = draft(borrower())

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RuleViolation, match="没有保存成功"):
        add(case)

    assert not Evidence.objects.exists()
    assert list(settings.PRIVATE_ROOT.rglob("*.*")) == []


def test_strangers_and_staff_cannot_add_or_remove() -> None:
    case = draft(borrower())
    made = add(case)

    for other in (borrower("13900000002", "赵强"), staff()):
        with pytest.raises(RuleViolation):
            add(case, "P01", actor=other)
        with pytest.raises(RuleViolation):
            remove_evidence(evidence=made, actor=other, now=NOW)


def test_visible_to_the_owner_and_after_submitting_to_staff() -> None:
    case = draft(borrower())
    made = added_and_checked(case)
    agent, stranger = staff(), borrower("13900000002", "赵强")
    own_account = staff("own", same_person_as=case.borrower)

    def sees(user: object) -> bool:
        return Evidence.objects.visible_to(user).filter(pk=made.pk).exists()

    assert [sees(user) for user in (case.borrower, stranger, agent)] == [True, False, False]
    in_state(case, State.SUBMITTED)
    assert [sees(user) for user in (stranger, agent, own_account)] == [False, True, False]


def test_only_the_bad_file_is_replaced() -> None:
    case = draft(borrower())
    blurred, good = added_and_checked(case), added_and_checked(case, "P01")
    agent = staff()
    in_state(case, State.IN_REVIEW, assigned_to=agent)
    blurred.refresh_from_db()

    judged = judge_evidence(
        evidence=blurred, passed=False, reason="blurred", text="第 2 行", actor=agent, now=NOW
    )
    assert judged.get_state_display() == "需更换"
    assert judged.problem == "照片看不清，请在光线充足处重新拍摄（第 2 行）"
    new = added_and_checked(case, "I01b", replaces=judged)

    assert set(case.evidence.current()) == {good, new}
    assert new.replaces == judged
    assert case.events.filter(action="EVIDENCE_JUDGED").count() == 1


def test_judging_has_its_rules() -> None:
    case = draft(borrower())
    made, other = added_and_checked(case), added_and_checked(case, "P02")
    agent, auditor = staff(), staff("auditor", Rank.AUDITOR)
    in_state(case, State.IN_REVIEW, assigned_to=agent)
    made.refresh_from_db()
    other.refresh_from_db()

    with pytest.raises(InvalidInput, match="reason"):
        judge_evidence(evidence=made, passed=False, actor=agent, now=NOW)
    with pytest.raises(RuleViolation, match="审计员"):
        judge_evidence(evidence=made, passed=True, actor=auditor, now=NOW)
    with pytest.raises(RuleViolation, match="没有通过文件检查"):
        judge_evidence(evidence=other, passed=True, actor=agent, now=NOW)
    Evidence.objects.filter(pk=made.pk).update(withdrawn_at=NOW)
    with pytest.raises(StaleWrite):
        judge_evidence(evidence=made, passed=True, actor=agent, now=NOW)


def test_a_lost_task_is_made_up_for_and_a_second_check_changes_nothing() -> None:
    made = add(draft(borrower()))

    assert check_pending(now=NOW) == 1
    made.refresh_from_db()
    first = (made.clean_key, made.checked_at)
    assert check_file(evidence_id=made.pk, now=NOW + timedelta(hours=1)) is None
    assert check_pending(now=NOW) == 0

    made.refresh_from_db()
    assert (made.clean_key, made.checked_at) == first
    assert sorted(private.keys()) == sorted(made.stored_keys())


def test_one_person_s_files_wait_when_they_have_had_their_share() -> None:
    case, other = draft(borrower()), draft(borrower("13900000002", "赵强"))
    done = added_and_checked(case)
    waiting, others = add(case, "P01"), add(other, "P01")
    Evidence.objects.bulk_create(
        Evidence(
            case=case,
            uploaded_by=case.borrower,
            kind="income",
            original_name=f"{number}.jpg",
            content_type="image/jpeg",
            size=1,
            sha256=f"{number}",
            state="replace",
            reason="unreadable",
            created_at=NOW,
            checked_at=NOW,
        )
        for number in range(checks.CHECKS_A_MINUTE - 1)
    )

    assert done.checked_at == NOW
    assert check_file(evidence_id=waiting.pk, now=NOW + timedelta(seconds=59)) is None
    assert check_file(evidence_id=others.pk, now=NOW + timedelta(seconds=59)) == others
    assert check_pending(now=NOW + timedelta(seconds=60)) == 1
    waiting.refresh_from_db()
    assert waiting.state == "passed"


def test_a_file_is_not_to_blame_when_the_machine_had_no_time_for_its_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = add(draft(borrower()), "P01")
    monkeypatch.setattr("relief.evidence.sandbox.WALL_SECONDS", 0.01)

    assert check_file(evidence_id=file.pk, now=NOW) is None
    file.refresh_from_db()
    assert (file.state, file.checked_at) == ("checking", None)

    monkeypatch.undo()
    assert check_pending(now=NOW + timedelta(minutes=1)) == 1
    file.refresh_from_db()
    assert file.state == "passed"


def test_checks_have_a_queue_that_no_code_waits_in_and_workers_that_serve_it() -> None:
    routes = app.conf.task_routes
    served = {
        name: re.search(r"--queues (\S+)", command)[1].split(",")
        for name, command in child_commands().items()
        if "--queues" in command
    }
    procfile = re.findall(r"--queues (\S+)", (settings.BASE_DIR / "Procfile").read_text())

    for task in ("relief.tasks.check_evidence", "relief.tasks.check_pending_evidence"):
        assert routes[task] == {"queue": "checks"}
    every = {app.conf.task_default_queue, *(route["queue"] for route in routes.values())}
    assert served["checker"] == ["checks"]
    assert {*served["worker"], "checks"} == every
    assert "checks" not in served["worker"]
    assert procfile == [",".join(served["worker"]), "checks"]


def test_after_submitting_files_show_in_the_conversation() -> None:
    case = in_state(draft(borrower()), State.NEED_MORE)

    added_and_checked(case, "P02")

    card, refusal = Message.objects.order_by("pk")
    assert (card.card, card.sender) == ("file", "borrower")
    assert refusal.text.startswith("「脚本.pdf」需要更换：安全检查未通过，请换一份")


def test_an_ended_case_takes_no_files() -> None:
    case = draft(borrower())
    made = add(case)
    in_state(case, State.WITHDRAWN)

    with pytest.raises(RuleViolation, match="申请已结束"):
        add(case, "P01")
    with pytest.raises(RuleViolation, match="申请已结束"):
        remove_evidence(evidence=made, actor=case.borrower, now=NOW)
