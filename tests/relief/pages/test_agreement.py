"""Saying no with something better, the agreement with its proof, and the plan."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from loans.queries.debt import load_debt
from portal.core import clock
from portal.core.documents.blocks import blocks_of
from portal.core.models import Document
from relief.cases.models import Case
from relief.cases.workflow import State
from relief.offers.models import Agreement, Offer
from tests import factories
from tests.factories import NOW
from tests.loans.pages.marks import figures
from tests.past_guards import past_the_guards

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def own(case: Case) -> Client:
    client = Client()
    client.force_login(case.borrower)
    return client


def address(offer: Offer, name: str) -> str:
    return reverse(f"relief:{name}", args=[offer.case.public_id, offer.number])


def proposal(offer: Offer, **changes: Any) -> dict[str, Any]:
    return {
        "seen": offer.digest,
        "reasons": ["too_much"],
        "waive": "10.00",
        "monthly": "",
        "terms": "18",
        "first_due_on": "2026-03-30",
        "note": "病假到四月，复工后可以按时还。",
        "do": "counter",
        **changes,
    }


def send(case: Case, offer: Offer, values: dict[str, Any], **headers: str) -> Any:
    with clock.frozen(NOW):
        return own(case).post(address(offer, "offer-reject"), values, headers=headers)


@pytest.fixture
def case() -> Case:
    return factories.case_at(State.OFFERED)


@pytest.fixture
def offer(case: Case) -> Offer:
    return factories.open_offer(case)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_counter_offer_is_sent_and_counted(
    case: Case, offer: Offer, headers: dict[str, str]
) -> None:
    with clock.frozen(NOW):
        html = own(case).get(address(offer, "offer-reject")).content.decode()
    assert '还可以协商 <b class="num">3</b> 次' in html

    response = send(case, offer, proposal(offer), **headers)

    assert response.status_code == (200 if headers else 302)
    case.refresh_from_db()
    counter = case.offers.get(number=2)
    assert (case.state, case.rounds) == (State.COUNTERED, 1)
    assert (counter.side, counter.status, len(counter.rows)) == ("borrower", "proposed", 18)
    with clock.frozen(NOW):
        page = own(case).get(address(counter, "offer")).content.decode()
    assert "较上一版的变化" in page
    assert "接受方案" not in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reasons": []}, "请选择不接受的主要原因"),
        ({"reasons": ["hack"]}, "请从列表中选择"),
        ({"waive": "-1"}, "不能是负数"),
        ({"waive": "abc"}, "看不懂"),
        ({"waive": "99999"}, "最多 "),
        ({"waive": ""}, "不减免请填 0"),
        ({"terms": "", "monthly": "1.00"}, "最长 60 期，每月至少 ¥"),
        ({"terms": "", "monthly": "0"}, "每月可还金额"),
        ({"terms": "", "monthly": ""}, "请填写每月可还金额，或填写期数"),
        ({"terms": "61"}, "期数要在 1 到 60 之间"),
        ({"terms": "十二"}, "期数：请填写整数"),
        ({"terms": "12", "monthly": "900"}, "只填一项"),
        ({"first_due_on": "2026-03-02"}, "首期"),
        ({"first_due_on": "2027-03-02"}, "首期"),
        ({"first_due_on": "明天"}, "首期日期：请按"),
        ({"note": "长" * 201}, "补充说明最多 200 字"),
    ],
)
def test_a_proposal_out_of_bounds_is_a_sentence_and_nothing_typed_is_lost(
    case: Case, offer: Offer, changes: dict[str, Any], words: str
) -> None:
    values = proposal(offer, **changes)

    response = send(case, offer, values)

    html = response.content.decode()
    assert response.status_code == 422
    assert words in html
    assert values["note"] in html
    assert case.offers.count() == 1


def test_full_width_figures_are_understood_and_checked_live(case: Case, offer: Offer) -> None:
    values = proposal(offer, waive="１０．００", terms="", monthly="６００", reasons=[])
    with clock.frozen(NOW):
        client = own(case)
        live = client.post(address(offer, "offer-check"), values, headers=HTMX)
        whole = client.post(address(offer, "offer-check"), values)
        wrong = client.post(address(offer, "offer-check"), values | {"monthly": "1"}, headers=HTMX)

    assert live.status_code == whole.status_code == wrong.status_code == 200
    assert figures(live, "counter-waived") == [Decimal("10.00")]
    assert figures(live, "counter-instalment")[0] <= Decimal(600)
    assert "<html" not in live.content.decode()
    assert "每月至少 ¥" in wrong.content.decode()


def test_a_suggestion_fills_the_form_without_script(case: Case, offer: Offer) -> None:
    response = send(case, offer, proposal(offer, use="750.00", do=""))

    html = response.content.decode()
    assert response.status_code == 200
    assert 'value="750.00"' in html
    assert figures(response, "counter-total")
    assert case.offers.count() == 1


def test_three_rounds_are_all(case: Case, offer: Offer) -> None:
    Case.objects.filter(pk=case.pk).update(rounds=3)
    with clock.frozen(NOW):
        html = own(case).get(address(offer, "offer-reject")).content.decode()

    assert "已提出 3 次还款建议" in html
    assert "提交建议" not in html
    assert send(case, offer, proposal(offer)).status_code == 409


def test_declining_needs_reason_and_tick(case: Case, offer: Offer) -> None:
    values = {"seen": offer.digest, "do": "decline", "reasons": ["other"], "note": "不谈了"}
    unsure = send(case, offer, values)
    stale = send(case, offer, values | {"sure": "on", "seen": "0" * 64})
    done = send(case, offer, values | {"sure": "on"})

    assert unsure.status_code == 422
    assert "请勾选，确认你要结束本次协商" in unsure.content.decode()
    assert "不谈了" in unsure.content.decode()
    assert stale.status_code == 409
    assert done.status_code == 302
    case.refresh_from_db()
    assert case.state == State.DECLINED


# --- Agreement and plan -----------------------------------------------------------------------------


def test_the_agreement_shows_text_proof_and_pdf() -> None:
    case = factories.case_at(State.PLAN_ACTIVE)
    client, found = own(case), Agreement.objects.get()
    with clock.frozen(NOW):
        html = client.get(f"/relief/{case.public_id}/agreement/").content.decode()
        paper = client.get(f"/relief/{case.public_id}/agreement.pdf")

    assert html.count("<h1") == 1
    for words in (found.number, found.code, found.digest, "协议已生效", "四、违约与恢复"):
        assert words in html
    assert 'data-field="agreement-intact" data-value="yes"' in html
    assert paper["Content-Type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF-")


def test_tampering_is_shown_and_no_pdf_is_given() -> None:
    case = factories.case_at(State.PLAN_ACTIVE)
    with past_the_guards():
        Document.objects.update(text="减免全部本金")
    client = own(case)
    with clock.frozen(NOW):
        html = client.get(f"/relief/{case.public_id}/agreement/").content.decode()
        paper = client.get(f"/relief/{case.public_id}/agreement.pdf")

    assert 'data-field="agreement-intact" data-value="no"' in html
    assert "下载 PDF" not in html
    assert paper.status_code == 409


def test_there_is_no_agreement_before_there_is_one(case: Case) -> None:
    client = own(case)

    assert client.get(f"/relief/{case.public_id}/agreement/").status_code == 404
    assert client.get(f"/relief/{case.public_id}/plan/").status_code == 302


@pytest.mark.parametrize(
    ("state", "days", "key"),
    [
        (State.PLAN_ACTIVE, 0, "kept"),
        (State.PLAN_ACTIVE, 26, "soon"),
        (State.PLAN_ACTIVE, 29, "risk"),
        (State.WARNED, 33, "risk"),
        (State.BREACHED, 44, "broken"),
        (State.COMPLETED, 2, "done"),
    ],
)
def test_the_plan_says_how_it_stands(state: State, days: int, key: str) -> None:
    case = factories.case_at(state)
    at = NOW + timedelta(days=days)
    with clock.frozen(at):
        response = own(case).get(f"/relief/{case.public_id}/plan/")

    html = response.content.decode()
    assert f'data-field="plan-standing" data-value="{key}"' in html
    assert html.count("<h1") == 1
    if key in {"kept", "soon"}:
        owed = load_debt(case.loan, at.date())
        assert owed.next_due
        assert figures(response, "plan-next") == [owed.next_due.total]
        assert figures(response, "breach-returned") == [
            Agreement.objects.get().offer.offer_terms.waived
        ]
    if key == "broken":
        assert "新计划已终止（" in html
        assert figures(response, "breach-returned")


def test_a_contract_is_laid_out_without_losing_a_word() -> None:
    """On the page stands what was signed: only blanks between its blocks may differ."""
    case = factories.case_at(State.PLAN_ACTIVE)
    signed = case.agreements.get().text

    blocks = list(blocks_of(signed))

    assert "".join("".join(block.lines) for block in blocks) == signed.replace("\n", "")
    (plan,) = (block for block in blocks if block.kind == "rows")
    assert plan.cells[0][0] == "第 1 期"
    assert all(row[-1].startswith("应还 ¥") for row in plan.cells)
    headings = [block.lines[0][:2] for block in blocks if block.kind == "heading"]
    assert headings == ["一、", "二、", "三、", "四、", "五、"]
    assert f"出借人：{settings.LENDER_NAME}（统一社会信用代码 {settings.LENDER_CODE}" in signed
