"""Each act on the books in the browser: proposed, approved by somebody else, read by the borrower."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.journeys import doings, steps
from tests.journeys.backstage import prepare, prepare_ended_plan, prepare_long_overdue
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


@pytest.fixture
def pair(arrive: Arrive) -> tuple[Person, Person]:
    """A reviewer who proposes and a manager who approves, at two desks."""
    maker, checker = arrive(desk=True), arrive(desk=True)
    doings.become(maker, "agent")
    doings.become(checker, "manager")
    return maker, checker


def bounce(maker: Person, checker: Person, reference: str) -> None:
    """From the payment's own page."""
    maker.go(f"/admin/loans/payment/?q={reference}")
    maker.page.locator("#result_list tbody a").first.click()
    maker.settle()
    maker.press("冲正还款")
    finish(maker, checker)


def received(loan: str, amount: Decimal, on: str, reference: str) -> dict[str, str]:
    """The fields of 补记还款."""
    return {"amount": f"{amount:.2f}", "paid_on": on, "reference": f"{reference}-{loan}"}


def test_moved_written_off_overpaid_refunded_bounced(
    stack: Stack, arrive: Arrive, pair: tuple[Person, Person]
) -> None:
    who = prepare(stack, "loan")
    borrower = doings.arrive_as(arrive(), who)
    today = steps.today(borrower).isoformat()

    moved = {"from_part": "penalty", "to_part": "interest", "amount": "1.00"}
    by_two(*pair, who.loan, "科目调整", **moved)
    statement(borrower, who.loan, "罚息和费用 1.00 元调为利息")

    by_two(*pair, who.loan, "核销", principal="1000.00")
    statement(borrower, who.loan, "核销 1,000.00 元（本金 1,000.00），欠款不变")

    owed = Decimal(borrower.figure("total-due"))
    late = received(who.loan, owed * 2, today, "too-much")
    by_two(*pair, who.loan, "补记还款", keep_excess="on", **late)
    statement(borrower, who.loan, "溢缴款（多还的，可退还）", "已核销的部分收回 1,000.00 元")

    out = {"amount": "10.00", "reference": f"out-{who.loan}"}
    by_two(*pair, who.loan, "退还溢缴款", **out)
    statement(borrower, who.loan, f"退还溢缴款，付款流水号 out-{who.loan}")
    by_two(*pair, who.loan, "登记退款退回", reference=out["reference"])
    statement(borrower, who.loan, f"退款退回，付款流水号 out-{who.loan}")

    bounce(*pair, late["reference"])
    statement(borrower, who.loan, "已冲正")
    borrower.go("/me/notices/")
    for told in ("借款账目已更正", "溢缴款没有退成", "借款已作核销处理", "欠款科目已调整"):
        borrower.sees(told)

    doings.books_are_whole(stack)


def test_all_made_due(stack: Stack, arrive: Arrive, pair: tuple[Person, Person]) -> None:
    who = prepare(stack, "loan")
    borrower = doings.arrive_as(arrive(), who)

    by_two(*pair, who.loan, "宣布提前到期")
    statement(borrower, who.loan, "宣布提前到期")
    borrower.go("/me/notices/")
    borrower.sees("借款已宣布提前到期")

    doings.books_are_whole(stack)


def test_off_the_balance_then_closed_within_the_tolerance(
    stack: Stack, arrive: Arrive, pair: tuple[Person, Person]
) -> None:
    who = prepare_long_overdue(stack, tolerance="0.50")
    borrower = doings.arrive_as(arrive(), who)
    today = steps.today(borrower).isoformat()

    by_two(*pair, who.loan, "转列非应计")
    statement(borrower, who.loan, "逾期超过 90 天，利息和罚息转表外核算")

    owed = Decimal(borrower.figure("total-due"))
    late = received(who.loan, owed - Decimal("0.50"), today, "nearly")
    by_two(*pair, who.loan, "补记还款", **late)
    statement(borrower, who.loan, "剩余 0.50 元不超过容差 0.50 元，不再收取，借款结清")
    assert borrower.figure("total-due") == "0.00"
    borrower.go(f"/jiebei/{who.loan}/settled/")
    borrower.sees("结清证明")

    bounce(*pair, late["reference"])
    statement(borrower, who.loan, "已冲正")
    assert Decimal(borrower.figure("total-due")) == owed

    doings.books_are_whole(stack)


@pytest.mark.parametrize("end", ["broken", "completed"])
def test_what_was_paid_before_a_plan_bounces_after_its_end(
    stack: Stack, arrive: Arrive, pair: tuple[Person, Person], end: str
) -> None:
    who = prepare_ended_plan(stack, end)
    borrower = doings.arrive_as(arrive(), who)
    borrower.go(f"/jiebei/{who.loan}/statement/")
    before = Decimal(borrower.figure("total-due"))
    assert (before == 0) == (end == "completed")

    bounce(*pair, f"early-{who.loan}")
    statement(borrower, who.loan, "退回")
    assert Decimal(borrower.figure("total-due")) == before + 300
    borrower.go("/me/notices/")
    borrower.sees("借款账目已更正")

    doings.books_are_whole(stack)
