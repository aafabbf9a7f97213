"""申请罚息减免: five steps saved as one goes, refusals that lose nothing, one receipt."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from loans.models import Loan
from loans.queries.debt import load_debt
from portal.core import clock
from relief.cases.application import STEPS
from relief.cases.models import Case
from relief.cases.workflow import State
from tests import factories
from tests.loans.pages.marks import figures
from tests.relief.pages.desk import HTMX, errors, text_of

pytestmark = pytest.mark.usefixtures("now")

TEXT = "九月住院手术，休病假两个月，收入只剩基本工资。"


def step(loan: Loan, name: str) -> str:
    return reverse("relief:apply-step", args=[loan.public_id, name])


def start(loan: Loan) -> str:
    return reverse("relief:apply", args=[loan.public_id])


def test_the_five_steps_end_with_a_receipt(lin: Client, loan: Loan) -> None:
    assert lin.get(start(loan))["Location"] == step(loan, "reason")
    assert Case.objects.count() == 0  # looking begins nothing

    first = lin.post(step(loan, "reason"), {"reasons": ["other", "disaster"], "go": "next"})
    assert first["Location"] == step(loan, "statement")
    second = lin.post(step(loan, "statement"), {"statement": TEXT})
    assert second["Location"] == step(loan, "evidence")
    case = Case.objects.get()
    assert case.reasons == ["disaster", "other"]  # force majeure first
    factories.add_file(case)
    third = lin.post(step(loan, "evidence"))
    assert third["Location"] == step(loan, "affordability")
    amounts = {"monthly_income": "４６００．００", "monthly_spending": "3,100", "go": "next"}
    fourth = lin.post(step(loan, "affordability"), amounts)
    assert fourth["Location"] == step(loan, "confirm")
    page = lin.get(fourth["Location"])
    assert figures(page, "penalty-total") == [load_debt(loan, clock.today()).penalty]
    assert 'datetime="2026-03-04T18:00:00+08:00" data-field="review-deadline"' in text_of(page)
    assert "4,600.00" in text_of(page)

    done = lin.post(step(loan, "confirm"), {"agree": "on"})

    case.refresh_from_db()
    assert done["Location"] == reverse("relief:receipt", args=[case.public_id])
    assert case.state == State.SUBMITTED
    submitted = case.events.get(action="SUBMIT")
    assert "《减免审核授权书》" in submitted.data["declared"]
    receipt = text_of(lin.get(done["Location"]))
    assert case.number in receipt
    assert TEXT in receipt
    assert 'data-field="review-deadline"' in receipt
    assert 'data-field="submission-digest"' in receipt


def test_the_draft_is_resumed_where_it_was_left(lin: Client, loan: Loan) -> None:
    lin.post(step(loan, "reason"), {"reasons": ["illness"]})
    lin.post(step(loan, "statement"), {"statement": "太短", "go": "save"})

    assert lin.get(start(loan))["Location"] == step(loan, "statement")
    assert "太短" in text_of(lin.get(step(loan, "statement")))
    back = lin.post(step(loan, "statement"), {"statement": "还是短", "go": "back"})
    assert back["Location"] == step(loan, "reason")
    assert Case.objects.get().statement == "还是短"
    assert 'value="illness" id="id_reasons_1" checked' in text_of(lin.get(back["Location"]))


def test_saving_inside_htmx_says_so_and_stays(lin: Client, loan: Loan) -> None:
    saved = lin.post(step(loan, "reason"), {"reasons": ["illness"], "go": "save"}, headers=HTMX)

    assert saved.status_code == 200
    assert "toast" in saved["HX-Trigger"]
    assert text_of(saved).lstrip().startswith("<form")
    moved = lin.post(step(loan, "reason"), {"reasons": ["illness"]}, headers=HTMX)
    assert moved["HX-Redirect"] == step(loan, "statement")


@pytest.mark.parametrize("htmx", [{}, HTMX])
@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("reason", {}, "请至少选择一个"),
        ("reason", {"reasons": ["hunger"]}, "没有这个原因"),
        ("statement", {"statement": ""}, "至少写 10 个字"),
        ("statement", {"statement": "\u3000" * 40}, "至少写 10 个字"),
        ("statement", {"statement": "字" * 20_000}, "最多 500 字，现在有 20000 字"),
        ("affordability", {"monthly_income": "-1"}, "现在每月收入不能是负数"),
        ("affordability", {"affordable_payment": "0"}, "每月可还金额至少是 0.01 元"),
        ("affordability", {"monthly_spending": "abc"}, "每月必要支出看不懂"),
        ("affordability", {"monthly_spending": "1E400"}, "每月必要支出看不懂"),
        ("affordability", {"income_before": "壹佰"}, "请用阿拉伯数字"),
        ("affordability", {"income_before": "9" * 5000}, "太长"),
        ("affordability", {"income_before": "99999999999999.99"}, "不能超过"),
        ("confirm", {}, "请先勾选"),
    ],
)
def test_bad_input_gets_a_sentence_and_loses_nothing(
    lin: Client, loan: Loan, name: str, data: dict[str, Any], sentence: str, htmx: dict[str, str]
) -> None:
    factories.draft_case(loan)

    refused = lin.post(step(loan, name), data, headers=htmx)

    assert refused.status_code == 422
    assert any(sentence in error for error in errors(refused)), errors(refused)
    for typed in data.values():
        if isinstance(typed, str) and typed.strip():
            assert typed in text_of(refused)
    assert Case.objects.get().statement == TEXT


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script> 住院两个月",
        '"><img src=x onerror=alert(1)> 住院',
        "{{7*7}}{% debug %} 因病住院两个月",
        "住院\x00两个月，收入只剩基本工资",
        "𠮷👨‍👩‍👧 因病住院两个月，收入减少",
        "'; DROP TABLE relief_case; -- 因病住院",
        "z" + "\u0300" * 300 + "因病住院两个月",
    ],
)
def test_any_text_is_text(lin: Client, loan: Loan, text: str) -> None:
    factories.draft_case(loan)
    lin.post(step(loan, "statement"), {"statement": text})

    page = text_of(lin.get(step(loan, "statement")))

    assert Case.objects.get().statement == text.replace("\x00", "")
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_an_emptied_amount_is_forgotten(lin: Client, loan: Loan) -> None:
    case = factories.draft_case(loan)
    lin.post(step(loan, "affordability"), {"monthly_income": "0", "affordable_payment": " "})

    case.refresh_from_db()
    assert (case.monthly_income, case.monthly_spending) == (Decimal("0.00"), None)
    assert case.affordable_payment is None


def test_the_estimate_follows_what_is_typed(lin: Client, loan: Loan) -> None:
    address = reverse("relief:apply-estimate", args=[loan.public_id])
    typed = {"monthly_income": "6000", "monthly_spending": "３８００", "affordable_payment": "x"}

    part = lin.post(address, typed, headers=HTMX)

    assert figures(part, "left-over") == [Decimal("2200.00")]
    assert figures(part, "affordable-guide") == [Decimal("1100.00")]
    assert Case.objects.count() == 0
    above = lin.post(address, typed | {"affordable_payment": "1100.01"}, headers=HTMX)
    assert "高于结余的 50%" in text_of(above)
    assert lin.post(address, typed)["Location"] == step(loan, "affordability")
    assert lin.get(address).status_code == 405


def test_no_proof_no_next_step(lin: Client, loan: Loan) -> None:
    lin.post(step(loan, "reason"), {"reasons": ["illness"]})

    refused = lin.post(step(loan, "evidence"), {"go": "next"})

    assert refused.status_code == 422
    assert "请至少上传一份" in text_of(refused)
    assert lin.get(start(loan))["Location"] == step(loan, "statement")


def test_what_is_missing_leads_to_its_step(lin: Client, loan: Loan) -> None:
    lin.post(step(loan, "reason"), {"reasons": ["illness"]})

    refused = lin.post(step(loan, "confirm"), {"agree": "on"}, headers=HTMX)

    assert refused.status_code == 422
    assert "情况说明请至少写 10 个字" in text_of(refused)
    assert f'href="{step(loan, "statement")}"' in text_of(refused)
    assert Case.objects.get().state == State.DRAFT


@pytest.mark.parametrize("htmx", [{}, HTMX])
def test_submitting_twice_leads_to_the_same_receipt(
    lin: Client, loan: Loan, htmx: dict[str, str]
) -> None:
    case = factories.draft_case(loan)
    place = "HX-Redirect" if htmx else "Location"

    first = lin.post(step(loan, "confirm"), {"agree": "on"}, headers=htmx)
    digest = text_of(lin.get(first[place])).partition("submission-digest")[2][:80]
    second = lin.post(step(loan, "confirm"), {"agree": "on"}, headers=htmx)

    assert first[place] == second[place] == reverse("relief:receipt", args=[case.public_id])
    assert case.events.filter(action="SUBMIT").count() == 1
    with clock.frozen(factories.NOW + timedelta(hours=1)):
        again = text_of(lin.get(second[place]))
    assert again.partition("submission-digest")[2][:80] == digest


def test_who_cannot_apply_is_told_what_to_do(client: Client) -> None:
    clear = factories.overdue_loan(drawdown_on=factories.NOW.date() - timedelta(days=5))
    client.force_login(clear.borrower)

    page = client.get(start(clear))

    assert "这笔借款没有逾期" in text_of(page)
    assert reverse("loans:detail", args=[clear.public_id]) in text_of(page)
    for name in STEPS:
        answer = client.post(step(clear, name), {"reasons": ["illness"]})
        assert answer["Location"] == start(clear)
    assert Case.objects.count() == 0


def test_an_open_case_leads_to_its_progress(lin: Client, loan: Loan) -> None:
    case = factories.case_at(State.IN_REVIEW, loan=loan)

    page = text_of(lin.get(start(loan)))

    assert case.number in page
    assert reverse("relief:case", args=[case.public_id]) in page
    assert lin.get(step(loan, "reason"))["Location"] == start(loan)
    posted = lin.post(step(loan, "statement"), {"statement": "改一改"}, headers=HTMX)
    assert posted["HX-Redirect"] == start(loan)


def test_a_settled_loan_has_a_certificate_instead(client: Client) -> None:
    case = factories.case_at(State.COMPLETED)
    client.force_login(case.borrower)

    page = text_of(client.get(start(case.loan)))

    assert "这笔借款已结清" in page
    assert reverse("loans:settled", args=[case.loan.public_id]) in page


def test_strangers_and_staff_find_nothing(client: Client, loan: Loan) -> None:
    case = factories.case_at(State.SUBMITTED, loan=loan)
    addresses = [start(loan), *(step(loan, name) for name in STEPS)]
    addresses += [reverse("relief:receipt", args=[case.public_id])]

    assert {client.get(one).status_code for one in addresses} == {302}  # to the login
    client.force_login(factories.borrower())
    assert {client.get(one).status_code for one in addresses} == {404}
    assert client.post(step(loan, "reason"), {"reasons": ["other"]}).status_code == 404
    client.force_login(factories.staff())
    assert {client.get(one).status_code for one in addresses} == {403}


def test_a_draft_has_no_receipt_and_an_unknown_step_no_page(lin: Client, loan: Loan) -> None:
    case = factories.draft_case(loan)

    assert lin.get(reverse("relief:receipt", args=[case.public_id])).status_code == 404
    assert lin.get(step(loan, "money")).status_code == 404


def test_every_step_has_one_heading_and_nothing_inline(lin: Client, loan: Loan) -> None:
    factories.draft_case(loan)
    for name in STEPS:
        page = text_of(lin.get(step(loan, name)))
        assert page.count("<h1") == 1
        assert "style=" not in page
        assert "<style" not in page
        assert "onclick" not in page
        assert page.count('aria-current="step"') == 1
