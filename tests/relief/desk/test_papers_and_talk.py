"""Papers and talk at the desk: every look is logged, files are judged, answers and notes are kept apart."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.urls import reverse

from relief.cases.models import Case
from relief.cases.workflow import State
from relief.conversation import messages
from relief.conversation.models import Message
from relief.evidence.checks import check_file
from relief.evidence.files import Upload, add_evidence
from relief.evidence.models import Evidence, EvidenceAccess
from tests import factories
from tests.corpus.build import FILES
from tests.relief.desk.desk import act, at_desk, page_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
NOW = factories.NOW


def checked_file(case: Case) -> Evidence:
    made = next(one for one in FILES if one.code == "I01a")
    upload = Upload(made.name, BytesIO(made.data))
    row = add_evidence(case=case, kind="income", upload=upload, actor=case.borrower, now=NOW)
    check_file(evidence_id=row.pk, now=NOW)
    row.refresh_from_db()
    return row


def test_every_look_at_a_file_is_logged_and_none_before_it_is_chosen() -> None:
    case = factories.case_at(State.IN_REVIEW)
    paper = checked_file(case)
    client = at_desk()
    address = reverse("admin:relief_case_file", args=[case.pk, paper.public_id])

    client.get(page_of(case))
    before = EvidenceAccess.objects.count()
    answer = client.get(address)
    picture = b"".join(answer.streaming_content)  # type: ignore[attr-defined]

    assert before == 0
    assert picture[:2] == b"\xff\xd8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert "sandbox" in answer["Content-Security-Policy"]
    assert EvidenceAccess.objects.get().viewer == factories.staff()
    assert client.get(f"{address}?page=7").status_code == 409


def test_file_of_another_case_is_not_there() -> None:
    case, other = factories.case_at(State.IN_REVIEW), factories.case_at(State.IN_REVIEW)
    paper = checked_file(other)

    wrong = reverse("admin:relief_case_file", args=[case.pk, paper.public_id])

    assert at_desk().get(wrong).status_code == 404
    answer = act(at_desk(), case, "judge", file=paper.public_id, verdict="passed")
    assert answer.status_code == 404


def test_judging_a_file() -> None:
    case = factories.case_at(State.IN_REVIEW)
    paper = checked_file(case)
    client = at_desk()

    bare = act(client, case, "judge", file=paper.public_id, verdict="replace")
    done = act(client, case, "judge", file=paper.public_id, verdict="replace", reason="blurred")

    paper.refresh_from_db()
    assert bare.status_code == 422
    assert "请选择需要更换的原因" in bare.content.decode()
    assert done.status_code == 302
    assert (paper.state, paper.reason, paper.judged_by) == ("replace", "blurred", factories.staff())


def test_answer_and_note_in_the_conversation() -> None:
    case = factories.case_at(State.IN_REVIEW)
    client = at_desk()

    act(client, case, "say", text="您好")
    act(client, case, "say", text="仅同事可见", internal="on")
    empty = act(client, case, "say", text="  ")
    part = client.post(
        reverse("admin:relief_case_say", args=[case.pk]),
        {"text": "收到"},
        headers={"HX-Request": "true"},
    )

    said = Message.objects.filter(sender="staff", case=case, author=factories.staff())
    assert {m.text: m.is_internal for m in said}.items() >= {
        "您好": False,
        "仅同事可见": True,
    }.items()
    assert empty.status_code == 422
    assert "sent" in part["HX-Trigger"]
    mine = messages.messages_since(
        conversation=messages.conversation_of(borrower=case.borrower, now=NOW),
        reader=case.borrower,
    )
    assert "仅同事可见" not in {m.text for m in mine}


def test_new_messages_come_in_parts() -> None:
    case = factories.case_at(State.IN_REVIEW)
    said = messages.say(text="在吗", actor=case.borrower, now=NOW)
    address = reverse("admin:relief_case_talk", args=[case.pk])
    client = at_desk()

    assert "在吗" in client.get(f"{address}?after={said.pk - 1}").content.decode()
    assert client.get(f"{address}?after={said.pk}").status_code == 204


def test_conversation_without_a_case_is_taken_answered_and_handed_back() -> None:
    person = factories.borrower()
    messages.say(text="怎么申请", actor=person, now=NOW)
    row = messages.conversation_of(borrower=person, now=NOW)
    client = at_desk()

    def post(name: str, **data: str) -> int:
        address = reverse(f"admin:relief_conversation_{name}", args=[row.pk])
        return int(client.post(address, data).status_code)

    assert post("take") == 302
    assert post("say", text="请点开始申请") == 302
    assert post("say", text="") == 422
    page = client.get(reverse("admin:relief_conversation_change", args=[row.pk]))
    assert "请点开始申请" in page.content.decode()
    assert post("close") == 302
    row.refresh_from_db()
    assert row.taken_by is None
