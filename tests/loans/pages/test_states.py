"""Every page of a loan opens in every state of its life, and shows the debt of that state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from loans.domain.restructure import ReliefTerms
from loans.models import Loan
from loans.queries.debt import load_debt
from loans.services.acceleration import accelerate
from loans.services.payments.payment import pay, reverse_payment
from loans.services.plans.breach import reinstate
from loans.services.plans.restructure import apply_relief
from portal.core import clock
from tests import factories
from tests.loans.domain.support import PLAN_RULES
from tests.loans.pages.marks import figures

TODAY = date(2026, 3, 2)
NAMES = (
    *("detail", "calendar", "statement", "statement-csv", "statement-xlsx", "statement-pdf"),
    *("penalty", "penalty-csv", "penalty-xlsx", "penalty-pdf", "repay", "settled"),
)


def received(loan: Loan, amount: Decimal, on: date = TODAY, reference: str = "p") -> None:
    pay(
        loan_id=loan.pk,
        amount=amount,
        paid_on=on,
        reference=reference,
        actor=None,
        now=factories.NOW,
    )


def relieved(loan: Loan) -> None:
    terms = ReliefTerms(
        figures_as_of=TODAY,
        waive_penalty=Decimal("10.00"),
        term_count=12,
        first_due_on=TODAY + timedelta(days=3),
    )
    apply_relief(
        loan_id=loan.pk,
        terms=terms,
        rules=PLAN_RULES,
        on=TODAY,
        key="k",
        actor=None,
        now=factories.NOW,
    )


def accelerated(loan: Loan) -> None:
    accelerate(loan_id=loan.pk, on=TODAY, reason="久未还款", actor=None, now=factories.NOW)


def prepaid(loan: Loan) -> None:
    received(loan, load_debt(loan, TODAY).due_now + 500)


def settled(loan: Loan) -> None:
    received(loan, load_debt(loan, TODAY).payoff)


def reversed_settlement(loan: Loan) -> None:
    settled(loan)
    payment = loan.payments.get()
    reverse_payment(payment_id=payment.pk, reason="退票", actor=None, now=factories.NOW)


STATES = (relieved, accelerated, prepaid, settled, reversed_settlement)


@pytest.mark.parametrize("days", [0, 6, 40, 200])
@pytest.mark.parametrize("reach", STATES, ids=lambda state: state.__name__)
def test_every_page_opens(
    lin: Client, loan: Loan, reach: Callable[[Loan], None], days: int
) -> None:
    reach(loan)
    loan.refresh_from_db()

    with clock.frozen(factories.NOW + timedelta(days=days)):
        home = lin.get(reverse("loans:home"))
        penalty = lin.get(reverse("loans:penalty", args=[loan.public_id]))
        codes = {
            name: lin.get(reverse(f"loans:{name}", args=[loan.public_id])).status_code
            for name in NAMES
        }

    owed = load_debt(loan, TODAY + timedelta(days=days))
    over = {"repay": 302} if loan.is_settled else {}
    assert codes == dict.fromkeys(NAMES, 200) | over
    assert home.status_code == 200
    assert set(figures(penalty, "penalty-total")) == {owed.penalty}
    assert sum(figures(penalty, "penalty-instalment")) == owed.penalty


def test_a_late_plan_that_no_case_watches_promises_no_day(lin: Client, loan: Loan) -> None:
    """Days of grace and cure come from whoever watches plans (tests/relief/test_loan_stage.py)."""
    relieved(loan)

    with clock.frozen(factories.NOW + timedelta(days=5)):
        late = lin.get(reverse("loans:detail", args=[loan.public_id]))

    notice = late.content.decode().split('class="notice d"')[1].split("</div>")[0]
    assert "请尽快还清" in notice
    assert "24:00" not in notice
    assert "预警之后还有 10 天补救" in notice
    assert figures(late, "breach-returned") == [Decimal("10.00")]


def test_broken_plan_opens_and_what_came_back_is_owed(lin: Client, loan: Loan) -> None:
    relieved(loan)
    later = factories.NOW + timedelta(days=20)
    reinstate(
        loan_id=loan.pk, on=later.date(), key="b", actor=None, reason="两次预警未还", now=later
    )

    with clock.frozen(later + timedelta(days=2)):
        pages = {name: lin.get(reverse(f"loans:{name}", args=[loan.public_id])) for name in NAMES}

    owed = load_debt(loan, later.date() + timedelta(days=2))
    assert {name: page.status_code for name, page in pages.items()} == dict.fromkeys(NAMES, 200)
    assert set(figures(pages["penalty"], "penalty-total")) == {owed.penalty}
    assert figures(pages["repay"], "repay-amount") == [owed.due_now]
