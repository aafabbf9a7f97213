"""Each act on the books in the browser: proposed, approved by somebody else, read by the borrower."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.journeys import doings, steps
from tests.journeys.backstage import prepare
from tests.journeys.people import Person
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Arrive = Callable[..., Person]
REASON = "按业务部门书面通知办理"


def open_loan(staff: Person, loan: str) -> None:
    """The loan's page at the desk, from the list."""
    staff.go(f"/admin/loans/loan/?q={loan}")
    staff.page.locator("#result_list tbody a").first.click()
    staff.settle()


def fill(staff: Person, **values: str) -> None:
    """The fields of an act by their names: texts, choices, ticks."""
    for name, value in {**values, "reason": REASON}.items():
        field = staff.page.locator(f'main [name="{name}"]')
        if field.get_attribute("type") == "checkbox":
            field.check()
        elif field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)


def by_two(maker: Person, checker: Person, loan: str, act: str, **values: str) -> None:
    """From the loan's page; the checker comes by the notice that tells of it."""
    open_loan(maker, loan)
    maker.press(act)
    finish(maker, checker, **values)


def finish(maker: Person, checker: Person, **values: str) -> None:
    fill(maker, **values)
    maker.press("提交复核")
    maker.sees("已提交，由另一位")
    maker.sees("提出人不能复核自己的操作")
    checker.go("/admin/loans/proposal/?status__exact=pending")
    checker.page.locator("#result_list tbody a").first.click()
    checker.settle()
    checker.sees(REASON)
    checker.press("复核通过")
    checker.press("复核通过", exact=True)
    checker.sees("已入账，借款人会收到通知")


def statement(borrower: Person, loan: str, *words: str) -> None:
    """The borrower's statement: what was done, and balances that lead to today's debt."""
    borrower.go(f"/jiebei/{loan}/statement/")
    for told in words:
        borrower.sees(told)
    closing, unbooked, total = (
        Decimal(borrower.figure(name))
        for name in ("statement-closing", "statement-unbooked", "total-due")
    )
    assert closing + unbooked + Decimal(borrower.figure_or_nothing("credit-balance")) == total
    steps.download(borrower, f"/jiebei/{loan}/statement.pdf", b"%PDF-")


def test_every_act_by_two_people(stack: Stack, arrive: Arrive) -> None:
    who = prepare(stack, "loan")
    borrower = doings.arrive_as(arrive(), who)
    maker, checker = arrive(desk=True), arrive(desk=True)
    today = steps.today(checker).isoformat()
    doings.become(maker, "agent")
    doings.become(checker, "manager")

    by_two(
        *(maker, checker, who.loan, "科目调整"),
        **{"from_part": "penalty", "to_part": "interest", "amount": "1.00"},
    )
    statement(borrower, who.loan, "罚息和费用 1.00 元调为利息")

    by_two(maker, checker, who.loan, "核销", principal="1000.00")
    statement(borrower, who.loan, "核销 1,000.00 元（本金 1,000.00），欠款不变")

    owed = Decimal(borrower.figure("total-due"))
    open_loan(checker, who.loan)
    checker.press("补记还款")
    for name, value in {
        "amount": f"{owed * 2:.2f}",
        "paid_on": today,
        "reference": f"too-much-{who.loan}",
    }.items():
        checker.page.locator(f'main [name="{name}"]').fill(value)
    checker.page.locator('main [name="keep_excess"]').check()
    checker.press("确认")
    statement(borrower, who.loan, "溢缴款（多还的，可退还）", "已核销的部分收回 1,000.00 元")

    out = {"amount": "10.00", "reference": f"out-{who.loan}"}
    by_two(maker, checker, who.loan, "退还溢缴款", **out)
    statement(borrower, who.loan, f"退还溢缴款，付款流水号 out-{who.loan}")
    by_two(maker, checker, who.loan, "登记退款退回", reference=out["reference"])
    statement(borrower, who.loan, f"退款退回，付款流水号 out-{who.loan}")

    maker.go(f"/admin/loans/payment/?q=too-much-{who.loan}")
    maker.page.locator("#result_list tbody a").first.click()
    maker.settle()
    maker.press("冲正还款")
    finish(maker, checker)
    statement(borrower, who.loan, "已冲正")
    borrower.go("/me/notices/")
    for told in ("借款账目已更正", "溢缴款没有退成", "借款已作核销处理", "欠款科目已调整"):
        borrower.sees(told)

    doings.books_are_whole(stack)
