"""The life of an offer and of a plan: too late, broken, cured, completed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest

from portal.core.kernel.businesstime import add_months
from tests.journeys import doings, steps
from tests.journeys.backstage import prepare, prepare_example
from tests.journeys.people import Person
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Arrive = Callable[..., Person]


def days_on(reviewer: Person, days: int) -> None:
    """The demo's clock, so many days forward, to 09:00."""
    steps.move_clock(reviewer, str(steps.today(reviewer) + timedelta(days=days)))


def test_an_offer_expires_and_is_reopened(stack: Stack, arrive: Arrive) -> None:
    who = prepare(stack, "offered")
    borrower, reviewer = doings.arrive_as(arrive(), who), arrive(desk=True)
    number = doings.read_offer(borrower, who)
    doings.prepare_to_sign(borrower, who, number)

    days_on(reviewer, 8)

    # the old tab: nothing is executed, and it says what to do
    borrower.refusals_expected = True
    with borrower.page.expect_response(lambda answer: "/accept/" in answer.url) as old:
        doings.sign(borrower)
    assert old.value.status == 409
    borrower.sees("没有执行任何操作")
    borrower.press("查看申请进度")
    borrower.refusals_expected = False

    doings.wait_for_state(borrower, who, "EXPIRED")
    borrower.sees("已过期")
    assert borrower.page.locator("main").get_by_role("link", name="协商协议").count() == 0
    borrower.press("重新打开")
    borrower.sees("申请已重新打开")
    doings.see_case(borrower, who, "DRAFT")

    doings.books_are_whole(stack)


def test_a_warned_plan_is_cured_in_time(stack: Stack, arrive: Arrive) -> None:
    who = prepare(stack, "in_plan", first_in=5)
    borrower, reviewer = doings.arrive_as(arrive(), who), arrive(desk=True)

    days_on(reviewer, 9)
    doings.wait_for_state(borrower, who, "WARNED")
    borrower.go(f"/relief/{who.case}/plan/")
    borrower.sees("有违约风险")
    steps.repay_what_is_due(borrower, who.loan)
    doings.wait_for_state(borrower, who, "PLAN_ACTIVE")
    borrower.go(f"/relief/{who.case}/plan/")
    borrower.sees("按新计划还款中")

    doings.books_are_whole(stack)


def test_a_plan_is_completed_and_its_certificate_is_genuine(stack: Stack, arrive: Arrive) -> None:
    who = prepare(stack, "in_plan", terms=3)
    borrower, stranger = doings.arrive_as(arrive(), who), arrive()

    borrower.go(f"/jiebei/{who.loan}/repay/?scope=payoff")
    borrower.press("确认还款")
    borrower.sees("还款成功")
    doings.see_case(borrower, who, "COMPLETED")
    borrower.go(f"/jiebei/{who.loan}/settled/")
    code = borrower.page.inner_text('[data-field="certificate-code"]')
    link = borrower.page.get_by_role("link", name="下载证明").get_attribute("href") or ""
    steps.download(borrower, link, b"%PDF")

    stranger.go("/verify/")
    stranger.page.locator('input[name="code"]').fill(code)
    stranger.press("核验", exact=True)
    stranger.sees("核验通过")
    said = stranger.page.inner_text("main")
    for private in ("欧阳", "晓岚", who.phone, who.phone[-4:]):
        assert private not in said
    stranger.page.locator('input[name="code"]').fill(code[:-1] + ("A" if code[-1] != "A" else "B"))
    stranger.press("核验", exact=True)
    stranger.sees("没有查到")

    doings.books_are_whole(stack)


def example_days(after: date) -> Iterator[tuple[date, date]]:
    """(drawdown, first date of the plan) of loans like L of loans/RULES.md whose sixth date is to come.

    Its figures need months of 30, 31 and 31 days: from June or from November.
    """
    for year in range(after.year - 2, after.year + 2):
        for lent in (date(year, 6, 10), date(year, 11, 10)):
            agreed = add_months(lent, 3) + timedelta(days=29)
            for deferred in range(1, 5):
                first = add_months(agreed, deferred)
                if add_months(first, 5) > after:
                    yield lent, first


def test_a_plan_is_breached_after_five_of_twelve(stack: Stack, arrive: Arrive) -> None:
    reviewer, boss = arrive(desk=True), arrive(desk=True)
    today = steps.today(reviewer)
    lent, first = min(example_days(today), key=lambda days: add_months(days[1], 5))
    sixth = add_months(first, 5)
    if today < sixth - timedelta(days=20):
        steps.move_clock(reviewer, str(sixth - timedelta(days=20)))
    who = prepare_example(stack, lent, first)
    borrower = doings.arrive_as(arrive(), who)
    doings.see_case(borrower, who, "PLAN_ACTIVE")
    borrower.go(f"/relief/{who.case}/agreement/")
    assert borrower.figure("offer-waived") == "161.50"
    borrower.sees("509.17")
    borrower.go(f"/relief/{who.case}/plan/")
    assert borrower.figure("breach-returned") == "94.21"

    # the sixth date passes: warned; ten days more: staff may confirm
    steps.move_clock(reviewer, str(sixth + timedelta(days=4)))
    doings.wait_for_state(borrower, who, "WARNED")
    steps.move_clock(reviewer, str(sixth + timedelta(days=15)))
    doings.at_desk(boss, "agent", who.number)
    assert boss.page.locator("#act-breach form").count() == 0
    doings.at_desk(boss, "supervisor", who.number)
    steps.act(boss, "breach", reason="补救期已过，电话联系后仍未还款。")
    assert boss.state() == "BREACHED"

    doings.see_case(borrower, who, "BREACHED")
    borrower.go(f"/relief/{who.case}/plan/")
    borrower.sees("新计划已终止（")
    assert borrower.figure("breach-vested") == "67.29"
    assert borrower.figure("breach-returned") == "94.21"
    borrower.go(f"/jiebei/{who.loan}/")
    assert borrower.figure("principal-outstanding") == "3500.00"

    doings.books_are_whole(stack)
