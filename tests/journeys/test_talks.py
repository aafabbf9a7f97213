"""The talks: two rounds of haggling, proof asked for, refused and appealed, too much for one rank."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import pytest

from tests.journeys import doings, papers, steps
from tests.journeys.backstage import prepare
from tests.journeys.people import Person
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Arrive = Callable[..., Person]


def part(amount: str, percent: int) -> str:
    """So many percent of an amount, rounded down to the fen."""
    return str((Decimal(amount) * percent / 100).quantize(Decimal("0.01"), ROUND_DOWN))


def test_two_rounds_of_haggling(stack: Stack, arrive: Arrive) -> None:
    who = prepare(stack, "offered", percent=20, terms=12)
    borrower, staff = doings.arrive_as(arrive(), who), arrive(desk=True)

    # first proposal of the borrower, and a better version of staff
    doings.see_case(borrower, who, "OFFERED")
    borrower.press("查看方案并答复")
    borrower.press("不接受")
    penalty = borrower.figure("penalty-total")
    borrower.page.go_back()
    doings.counter(borrower, waive=penalty, terms="18", note="病假期间每月只能还这么多。")
    doings.see_case(borrower, who, "COUNTERED")
    doings.at_desk(staff, "agent", who.number)
    staff.sees("病假期间每月只能还这么多。")
    doings.compose(staff, penalty_percent="40", term_count="15", note="再多免一些，延长到 15 期。")

    # what has changed is marked; second proposal
    doings.see_case(borrower, who, "OFFERED")
    borrower.press("查看方案并答复")
    marked = doings.changes(borrower)
    assert any(before.startswith("18") and now.startswith("15") for before, now in marked.values())
    asked = part(penalty, 45)
    doings.counter(borrower, waive=asked, terms="18", note="可以接受 45%，期数请给 18 期。")

    # staff agree to it as it is; the borrower signs exactly that
    doings.at_desk(staff, "agent", who.number)
    steps.act(staff, "accept-counter", note="同意你的建议。")
    doings.see_case(borrower, who, "OFFERED")
    borrower.press("查看方案并答复")
    assert borrower.figure("offer-waived") == asked
    assert len(steps.marks(borrower, "plan-instalment")) == 18
    doings.accept(borrower, who)
    borrower.go(f"/relief/{who.case}/agreement/")
    assert borrower.figure("offer-waived") == asked

    doings.books_are_whole(stack)


def test_proof_is_asked_for_and_supplied(stack: Stack, arrive: Arrive, tmp_path: Path) -> None:
    who = prepare(stack, "in_review")
    borrower, staff = doings.arrive_as(arrive(), who), arrive(desk=True)

    doings.at_desk(staff, "agent", who.number)
    steps.act(staff, "ask", kinds="medical", text="请补充出院小结，用来确认休假时间。")
    doings.see_case(borrower, who, "NEED_MORE")
    borrower.sees("已暂停")
    borrower.sees("请补充出院小结")
    left = borrower.page.locator("#case-clock b.num").inner_text()

    borrower.press("去上传")
    steps.upload(borrower, "medical", papers.jpeg(tmp_path, "discharge"))
    borrower.press("重新提交")
    doings.see_case(borrower, who, "IN_REVIEW")
    assert borrower.page.locator('[data-field="review-deadline"]').count() > 0
    assert int(left) >= 1
    doings.at_desk(staff, "agent", who.number)
    staff.sees("discharge.jpg")
    steps.act(staff, "pass")
    doings.see_case(borrower, who, "NEGOTIATING")

    doings.books_are_whole(stack)


def test_refused_appealed_and_granted_by_another(stack: Stack, arrive: Arrive) -> None:
    who = prepare(stack, "in_review")
    borrower, staff = doings.arrive_as(arrive(), who), arrive(desk=True)

    doings.at_desk(staff, "agent", who.number)
    steps.act(
        staff,
        "reject",
        reason="EVIDENCE_INSUFFICIENT",
        text="收入证明没有盖章，无法确认收入下降。",
        advice="请单位在收入证明上盖章，或提供近三个月银行流水。",
    )
    doings.see_case(borrower, who, "REJECTED")
    for words in (
        "审核未通过：材料不足",
        "收入证明没有盖章",
        "请单位在收入证明上盖章",
        "可重新申请",
        "有新材料可随时申请",
    ):
        borrower.sees(words)

    borrower.press("申诉", exact=True)
    borrower.page.locator('textarea[name="text"]').fill("单位的电子证明本来就没有公章，请再核对。")
    borrower.press("提交申诉")
    borrower.sees("申诉已提交")
    doings.see_case(borrower, who, "SUBMITTED")

    # the same reviewer may not; another one may
    doings.at_desk(staff, "agent", who.number)
    assert staff.page.get_by_role("button", name="领取这份申请").count() == 0
    staff.sees("申诉")
    doings.at_desk(staff, "agent2", who.number)
    staff.press("领取这份申请")
    steps.act(staff, "pass")
    doings.compose(staff, penalty_percent="50", term_count="12", note="申诉成立。")
    doings.accept(borrower, who)

    doings.books_are_whole(stack)


def test_above_authority_sent_back_changed_approved(stack: Stack, arrive: Arrive) -> None:
    who = prepare(stack, "negotiating")
    borrower, staff, boss = doings.arrive_as(arrive(), who), arrive(desk=True), arrive(desk=True)

    doings.at_desk(staff, "agent", who.number)
    doings.compose(staff, penalty_percent="90", term_count="12", note="情况特殊，减免九成。")
    assert staff.state() == "AWAITING_APPROVAL"
    doings.see_case(borrower, who, "AWAITING_APPROVAL")
    assert borrower.page.locator('[data-field="offer-waived"]').count() == 0
    # the maker has no button for it, and the address refuses as well
    assert staff.page.locator("form[action$='/approve/']").count() == 0
    token = staff.page.locator('[name="csrfmiddlewaretoken"]').first.input_value()
    answer = staff.page.request.post(
        staff.page.url.split("?")[0].replace("/change/", "/approve/"),
        form={"csrfmiddlewaretoken": token, "number": "1", "seen": "1"},
        headers={"Referer": staff.page.url},
    )
    assert answer.status in {403, 409, 422}

    doings.at_desk(boss, "supervisor", who.number)
    steps.act(boss, "send-back", reason="九成过高，依据不足，请改为七成以内。")
    doings.at_desk(staff, "agent", who.number)
    staff.sees("九成过高，依据不足")
    doings.compose(staff, penalty_percent="70", term_count="12")
    doings.at_desk(boss, "supervisor", who.number)
    steps.act(boss, "approve", note="同意。")

    doings.see_case(borrower, who, "OFFERED")
    borrower.press("查看方案并答复")
    borrower.sees("70%")
    assert "九成过高" not in borrower.page.content()

    doings.books_are_whole(stack)
