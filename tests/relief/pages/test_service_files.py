"""Files sent in the conversation: paper of the open case, or of a draft begun for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from loans.models import Loan
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.conversation.models import Message
from tests import factories
from tests.relief.pages.desk import HTMX, errors, sent, text_of

pytestmark = pytest.mark.usefixtures("now")
PAGE = "/service/"
SEND = "/service/send/"


def test_a_file_becomes_paper_of_a_draft(lin: Client, loan: Loan) -> None:
    part = lin.post(SEND, {"file": sent("I01a")}, headers=HTMX)

    case = Case.objects.get()
    assert (case.loan, case.state) == (loan, State.DRAFT)
    assert case.evidence.get().kind == "other"
    assert "安全检查中" in text_of(part)
    assert "管理材料" in text_of(part)
    assert "/state/?look=card" in text_of(lin.get(PAGE))


def test_a_file_is_what_staff_asked_for(lin: Client, loan: Loan) -> None:
    case = factories.case_at(State.NEED_MORE, loan=loan)
    Case.objects.filter(pk=case.pk).update(asked_kinds=["bank_flow", "income"])
    case.evidence.update(created_at=factories.NOW - timedelta(hours=1))

    lin.post(SEND, {"file": [sent("I01a"), sent("I01b")], "text": "补上了"})

    kinds = list(case.evidence.order_by("pk").values_list("kind", flat=True))
    # bank flow needs its consent, which the conversation does not ask for
    assert kinds[1:] == ["income", "income"]
    assert Message.objects.filter(card="file").count() == 2
    assert Message.objects.filter(text="补上了").exists()


@pytest.mark.parametrize("htmx", [{}, HTMX])
def test_a_refused_file_says_why_and_keeps_the_text(lin: Client, htmx: dict[str, str]) -> None:
    empty = SimpleUploadedFile("空.jpg", b"")

    answer = lin.post(SEND, {"file": empty, "text": "请看"}, headers=htmx)

    assert answer.status_code == 422
    assert errors(answer) == ["「空.jpg」文件是空的，请重新选择"]
    assert "请看</textarea>" in text_of(answer)


def test_without_an_overdue_loan_no_paper_is_needed(client: Client) -> None:
    client.force_login(factories.borrower())

    answer = client.post(SEND, {"file": sent("I01a")}, headers=HTMX)

    assert answer.status_code == 409
    assert "目前没有逾期的借款" in errors(answer)[0]
    assert "你目前没有未结清的借款" in text_of(client.get(PAGE))
