"""The article's eight steps, both sides, in a real browser: with JavaScript and without."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.journeys import papers, steps
from tests.journeys.people import Person
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without-script"])
def test_from_an_overdue_loan_to_a_plan(
    stack: Stack, arrive: Callable[..., Person], tmp_path: Path, script: bool
) -> None:
    reviewer = arrive(desk=True, script=script)
    steps.move_clock(reviewer, str(steps.today(reviewer) + timedelta(days=1)))
    borrower, phone = arrive(script=script), steps.new_phone()

    # 1 log in, 2 借呗, 3 查看罚息
    steps.register(borrower, phone, "林晓云")
    steps.log_out(borrower)
    steps.log_in_by_password(borrower, phone)
    steps.take_sample_loan(borrower)
    loan = steps.look_at_penalty(borrower)
    penalty = Decimal(borrower.figure("penalty-total"))

    # 4 联系客服, and the application
    steps.ask_for_relief(borrower)
    case = steps.fill_application(
        borrower, papers.jpeg(tmp_path, "hospital"), papers.pdf(tmp_path, "income")
    )
    assert borrower.state() == "SUBMITTED"
    number = borrower.page.inner_text("main").split("JM")[1].split()[0]

    # 5 review and 6 offer
    staff = arrive(desk=True, script=script)
    steps.open_at_desk(staff, "agent", f"JM{number}")
    staff.press("领取这份申请")
    steps.act(staff, "pass")
    steps.compose_offer(staff, percent="50", terms="12")
    steps.wait_for_sms(reviewer, phone, "协商方案")
    borrower.go(f"/relief/{case}/")
    assert borrower.state() == "OFFERED"
    steps.accept_offer(borrower, case, phone)

    # 7 execution
    waived = Decimal(borrower.figure("offer-waived"))
    assert Decimal(0) < waived <= penalty
    assert borrower.page.locator('[data-field="agreement-intact"][data-value="yes"]').count() == 1
    steps.download(borrower, f"/relief/{case}/agreement.pdf", b"%PDF")
    borrower.go(f"/relief/{case}/")
    assert borrower.state() == "PLAN_ACTIVE"
    borrower.go(f"/jiebei/{loan}/")
    rows = steps.marks(borrower, "plan-instalment")
    assert len(rows) == 12

    # 8 repayment, two days late: penalty again
    due = steps.first_due(borrower)
    steps.move_clock(reviewer, str(due + timedelta(days=2)))
    split = steps.repay_what_is_due(borrower, loan)
    assert Decimal(split["split-penalty"]) > 0
    assert Decimal(split["split-principal"]) > 0

    proof = stack.manage("check_books")
    assert proof.returncode == 0, proof.stdout + proof.stderr
