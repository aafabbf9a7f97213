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
from relief.evidence.models import Evidence
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


def two_cases(loan: Loan) -> tuple[Case, Case]:
    """Two applications in review of one borrower, the second one newer."""
    first = factories.case_at(State.IN_REVIEW, loan=loan)
    second = factories.case_at(State.IN_REVIEW, loan=factories.overdue_loan(loan.borrower))
    return first, second


def test_with_several_applications_a_file_asks_which_it_is_for(lin: Client, loan: Loan) -> None:
    first, second = two_cases(loan)

    page = text_of(lin.get(PAGE))
    refused = lin.post(SEND, {"file": sent("I01a", "工资.jpg")})
    part = lin.post(SEND, {"file": sent("I01a", "工资.jpg")}, headers=HTMX)

    for case in (first, second):
        assert f'<option value="{case.public_id}">借款 {case.loan.number} · 审核中</option>' in page
    for answer in (refused, part):
        assert answer.status_code == 422
        assert "请先选好材料交给哪一份" in text_of(answer)
    assert not Evidence.objects.filter(original_name="工资.jpg").exists()


@pytest.mark.parametrize("number", [0, 1])
def test_a_file_goes_to_the_application_that_was_chosen_and_says_so(
    lin: Client, loan: Loan, number: int
) -> None:
    case = two_cases(loan)[number]

    lin.post(SEND, {"file": sent("I01a", "工资.jpg"), "case": case.public_id})

    assert Evidence.objects.get(original_name="工资.jpg").case == case
    page = text_of(lin.get(PAGE))
    assert f'交给借款 <span class="num keep">{case.loan.number}</span> 的申请' in page


def test_a_choice_that_is_none_is_refused_in_one_sentence(lin: Client, loan: Loan) -> None:
    two_cases(loan)

    answer = lin.post(SEND, {"file": sent("I01a", "工资.jpg"), "case": "x"})

    assert answer.status_code == 422
    assert text_of(answer).count("请先选好材料交给哪一份") == 1


def test_one_application_takes_files_without_asking(lin: Client, loan: Loan) -> None:
    case = factories.case_at(State.IN_REVIEW, loan=loan)

    page = text_of(lin.get(PAGE))
    lin.post(SEND, {"file": sent("I01a", "工资.jpg")})

    assert 'name="case"' not in page
    assert Evidence.objects.get(original_name="工资.jpg").case == case
