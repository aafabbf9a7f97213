"""Deciding a case: what staff see before they send, and what is asked of them first."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.urls import reverse

from portal.core.kernel.roles import Rank
from portal.core.models import Notice
from relief.cases.models import Case
from relief.cases.reasons import CHECKLISTS, FOR_ALL, REASONS, RejectCode, checklist
from relief.cases.workflow import State
from tests import factories
from tests.relief.desk.desk import act, at_desk, checked_file, offer_values, page_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
PART = {"HX-Request": "true"}


def preview(case: Case, **changes: Any) -> str:
    address = reverse("admin:relief_case_preview", args=[case.pk])
    return at_desk().post(address, offer_values(**changes), headers=PART).content.decode()


def words(case: Case, rank: Rank = Rank.REVIEWER, **typed: str) -> str:
    address = reverse("admin:relief_case_words", args=[case.pk])
    answer = at_desk(rank).post(address, typed, headers=PART)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


# --- 不通过 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        *({"reason": code.value} for code in RejectCode if code != RejectCode.OTHER),
        {"reason": "OTHER", "text": "本月已有方案，<请> 先还当期。", "advice": "还清当期后再来。"},
    ],
    ids=lambda typed: typed["reason"],
)
@pytest.mark.parametrize("state", [State.IN_REVIEW, State.COUNTERED])
def test_the_words_shown_before_a_rejection_are_those_that_the_borrower_gets(
    typed: dict[str, str], state: State
) -> None:
    case = factories.case_at(state)

    shown = words(case, Rank.SUPERVISOR, **typed)

    assert act(at_desk(Rank.SUPERVISOR), case, "reject", **typed).status_code == 302
    notice = Notice.objects.get(event="case_rejected", user=case.borrower)
    assert f"{notice.title}\n{notice.body}" in shown


def test_words_of_a_rejection_without_code_or_rank() -> None:
    case = factories.case_at(State.IN_REVIEW)

    assert "选择原因后，这里显示借款人会收到的原话" in words(case)
    assert "选择原因后" in words(case, reason="OTHER")  # its text is asked for at its field
    assert "需要主管处理，请转交。" in words(case, reason="FRAUD_SUSPECTED")
    assert "借款人会收到" in words(case, Rank.SUPERVISOR, reason="FRAUD_SUSPECTED")


def test_the_words_are_shown_without_script_too_and_store_nothing() -> None:
    case = factories.case_at(State.IN_REVIEW)
    address = reverse("admin:relief_case_words", args=[case.pk])

    text = at_desk().post(address, {"reason": "DUPLICATE", "advice": "先办那一份"}).content.decode()

    case.refresh_from_db()
    assert "借款人会收到" in text
    assert "先办那一份" in text
    assert re.search(r'<details class="act" id="act-reject" open', text)
    assert case.state == State.IN_REVIEW
    assert at_desk(Rank.AUDITOR).post(address, {"reason": "DUPLICATE"}).status_code == 403


# --- 方案 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("term_count", "99", "期数要在 1 到 60 之间"),
        ("term_count", "0", "期数要在 1 到 60 之间"),
        ("term_count", "一二", "请填写整数"),
        ("penalty_percent", "100.001", "请填写 0 到 100 之间的数字，最多两位小数"),
        ("first_due_on", "2020-01-01", "首期日期要在明天到"),
        ("first_due_on", "2026-03-03", "首期日期至少要在后天"),
        ("first_due_on", "2031-01-01", "首期日期要在明天到"),
        ("waive_interest", "999999", "减免利息最多"),
        ("plan_annual_rate", "99", "计划年利率不能高于原合同利率"),
    ],
)
def test_an_error_of_the_builder_stands_at_its_field_while_one_types(
    name: str, value: str, sentence: str
) -> None:
    text = preview(factories.case_at(State.NEGOTIATING), **{name: value})

    found = re.search(rf'id="offerform-{name}-error">.*?<span>([^<]+)</span>', text, re.S)
    assert found is not None, text
    assert sentence in found[1]
    assert 'class="refused"' not in text


def test_every_field_says_its_own_error_at_once() -> None:
    wrong = {"term_count": "99", "penalty_percent": "100.001", "first_due_on": "2020-01-01"}

    text = preview(factories.case_at(State.NEGOTIATING), **wrong)

    assert set(re.findall(r'id="offerform-(\w+)-error"', text)) == set(wrong)


def test_interest_and_rate_are_in_sight_not_in_a_fold() -> None:
    text = at_desk().get(page_of(factories.case_at(State.NEGOTIATING))).content.decode()

    builder = text[text.index('id="builder"') : text.index('id="send"')]
    assert 'name="waive_interest"' in builder
    assert 'name="plan_annual_rate"' in builder
    assert "<details" not in builder


def test_an_offer_sent_back_says_why_and_keeps_what_was_filled_in() -> None:
    case = factories.case_at(State.NEGOTIATING)
    typed = offer_values(penalty_percent="80", term_count="15", note="请看", note_internal="属实")
    assert act(at_desk(), case, "offer", **typed).status_code == 302
    case.refresh_from_db()
    assert case.state == State.AWAITING_APPROVAL
    boss = at_desk(Rank.SUPERVISOR)
    assert act(boss, case, "send-back", number=1, reason="期数太长，改成一年").status_code == 302

    text = at_desk().get(page_of(case)).content.decode()

    assert re.search(r"第 1 版被[^（]+退回（.+?）：期数太长，改成一年", text)
    for name in ("penalty_percent", "term_count", "first_due_on"):
        assert re.search(rf'name="{name}" value="{typed[name]}"', text), name
    for name in ("note", "note_internal"):
        assert re.search(rf'<textarea name="{name}"[^>]*>\s*{typed[name]}</textarea>', text), name
    assert act(at_desk(), case, "offer", **offer_values()).status_code == 302
    assert "退回（" not in at_desk().get(page_of(case)).content.decode().split('id="trail"')[0]


def test_the_head_says_who_has_the_case_since_when() -> None:
    free, taken = factories.case_at(State.SUBMITTED), factories.case_at(State.IN_REVIEW)
    client = at_desk()

    assert "还没有人处理" in client.get(page_of(free)).content.decode()
    head = client.get(page_of(taken)).content.decode().split("chd", 1)[1].split("</form>")[0]
    assert taken.assigned_to is not None
    assert re.search(rf"{taken.assigned_to.name} <time[^>]*>[^<]+</time> 起处理", head), head


# --- 没有查看材料 -------------------------------------------------------------------------------------


def test_an_offer_made_without_opening_the_files_warns_and_keeps_the_reason() -> None:
    case = factories.case_at(State.NEGOTIATING)
    paper = checked_file(case)
    client = at_desk()
    assert f"还有 1 份材料你没有打开过：<bdi>{paper.original_name}</bdi>" in unescape(
        client.get(page_of(case)).content.decode()
    )

    refused = act(client, case, "offer", **offer_values(unread_reason="  "))

    text = refused.content.decode()
    assert refused.status_code == 422
    assert re.search(r'id="offerform-unread_reason-error">.*?还有 1 份材料你没有打开过', text, re.S)
    assert case.offers.count() == 0
    typed = offer_values(unread_reason="借款人已到网点出示原件")
    assert act(client, case, "offer", **typed).status_code == 302
    line = case.events.get(action="OFFER")
    assert line.note_internal.endswith(
        f"未查看材料 1 份（借款人已到网点出示原件）：{paper.original_name}"
    )
    assert line.data["unread"] in line.note_internal  # whole, where the note's 1,000 are too few
    assert "借款人已到网点" not in line.note_public


def test_who_has_opened_every_file_is_asked_nothing_and_a_colleagues_look_does_not_count() -> None:
    case = factories.case_at(State.NEGOTIATING)
    paper = checked_file(case)
    picture = reverse("admin:relief_case_file", args=[case.pk, paper.public_id])
    client, blank = at_desk(), offer_values(unread_reason="")
    assert at_desk(Rank.SUPERVISOR).get(picture).status_code == 200
    assert "你没有打开过" in client.get(page_of(case)).content.decode()
    assert act(client, case, "offer", **blank).status_code == 422

    assert client.get(picture).status_code == 200

    assert "你没有打开过" not in client.get(page_of(case)).content.decode()
    address = reverse("admin:relief_case_preview", args=[case.pk])
    part = client.post(address, blank, headers=PART).content.decode()
    assert '<div id="unread" hx-swap-oob="true"></div>' in part
    assert act(client, case, "offer", **blank).status_code == 302
    assert "未查看材料" not in case.events.get(action="OFFER").note_internal


def test_agreeing_to_a_counter_offer_unread_asks_too() -> None:
    case = factories.case_at(State.COUNTERED)
    checked_file(case)
    client = at_desk(Rank.SUPERVISOR)

    assert act(client, case, "accept-counter", number=2).status_code == 422
    reason = "方案与上一版材料相同"
    assert act(client, case, "accept-counter", number=2, unread_reason=reason).status_code == 302
    assert reason in case.events.get(action="ACCEPT_COUNTER").note_internal


# --- 审核要点 ----------------------------------------------------------------------------------------


def test_every_reason_has_its_checklist_in_the_order_of_the_screen() -> None:
    assert set(CHECKLISTS) == set(REASONS)
    assert all(CHECKLISTS.values())
    assert checklist(["illness", "disaster"]) == [
        *CHECKLISTS["disaster"],
        *CHECKLISTS["illness"],
        *FOR_ALL,
    ]


def test_the_checklist_stands_beside_a_review_only() -> None:
    case = factories.case_at(State.IN_REVIEW)
    client = at_desk()

    text = client.get(page_of(case)).content.decode()

    for line in checklist(case.reasons):
        assert line in text
    later = client.get(page_of(factories.case_at(State.NEGOTIATING))).content.decode()
    assert "审核要点" not in later
