"""还款: the split before paying, one payment however often one clicks, and its receipt."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from loans.models import Loan, Payment
from loans.queries.debt import load_debt
from loans.queries.papers import certificate_of
from tests import factories
from tests.loans.pages.marks import figures

TODAY = date(2026, 3, 2)
TOKEN = "0123456789abcdef"


@pytest.fixture(autouse=True)
def simulation(settings: Any) -> None:
    settings.PAYMENT_SIMULATION = True


def cashier(loan: Loan) -> str:
    return reverse("loans:repay", args=[loan.public_id])


def order(amount: object, token: str = TOKEN) -> dict[str, str]:
    return {"scope": "custom", "amount": f"{amount}", "token": token}


def test_due_amount_and_its_split_are_shown_first(lin: Client, loan: Loan) -> None:
    owed = load_debt(loan, TODAY)

    response = lin.get(cashier(loan))

    assert figures(response, "repay-amount") == [owed.due_now]
    assert figures(response, "split-penalty") == [owed.penalty]
    assert figures(response, "split-interest") == [owed.interest]
    assert figures(response, "split-principal") == [owed.principal_due]
    assert loan.payments.count() == 0


def test_the_books_are_read_once(lin: Client, loan: Loan) -> None:
    with CaptureQueriesContext(connection) as used:
        lin.get(cashier(loan))

    assert sum('FROM "loans_instalment"' in query["sql"] for query in used) == 1


def test_payoff_settles_and_leads_to_the_certificate(lin: Client, loan: Loan) -> None:
    payoff = load_debt(loan, TODAY).payoff
    assert figures(lin.get(cashier(loan), {"scope": "payoff"}), "repay-amount") == [payoff]

    paid = lin.post(cashier(loan), order(payoff))
    receipt = lin.get(paid["Location"])
    settled = lin.get(reverse("loans:settled", args=[loan.public_id]))

    assert "这笔借款已结清" in receipt.content.decode()
    assert figures(settled, "received-total") == [payoff]
    assert figures(settled, "total-due") == [Decimal("0.00")]
    code = re.search(r'data-field="certificate-code">(\w+)<', settled.content.decode())
    assert code
    assert code[1] == certificate_of(Loan.objects.get(pk=loan.pk)).code
    paper = lin.get(reverse("loans:certificate-pdf", args=[loan.public_id]))
    assert paper.content.startswith(b"%PDF-")


def test_double_click_pays_once_and_shows_the_same_receipt(lin: Client, loan: Loan) -> None:
    first = lin.post(cashier(loan), order("500.00"))
    second = lin.post(cashier(loan), order("500.00"))

    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == second["Location"]
    assert Payment.objects.filter(loan=loan).count() == 1
    receipt = lin.get(first["Location"])
    sums = [figures(receipt, f"split-{name}")[0] for name in ("penalty", "interest", "principal")]
    assert sum(sums) == figures(receipt, "split-total")[0] == Decimal("500.00")


def test_same_token_with_another_amount_is_refused(lin: Client, loan: Loan) -> None:
    lin.post(cashier(loan), order("500.00"))

    response = lin.post(cashier(loan), order("600.00"))

    assert response.status_code == 422
    assert Payment.objects.filter(loan=loan).count() == 1


def test_token_of_somebody_else_pays_ones_own_loan(lin: Client, loan: Loan) -> None:
    other = factories.overdue_loan()
    browser = Client()
    browser.force_login(other.borrower)
    browser.post(cashier(other), order("500.00"))

    response = lin.post(cashier(loan), order("500.00"))

    assert response.status_code == 302
    assert Payment.objects.filter(loan=loan).count() == 1


def test_over_the_payoff_is_refused_with_the_exact_amount(lin: Client, loan: Loan) -> None:
    payoff = load_debt(loan, TODAY).payoff

    response = lin.post(cashier(loan), order(payoff + Decimal("0.01")))

    assert response.status_code == 422
    assert f"{payoff:,.2f} 元" in response.content.decode()
    assert Payment.objects.filter(loan=loan).count() == 0


@pytest.mark.parametrize("typed", ["-1", "0", "abc", "1.005", "", "9" * 60, "=1+1"])
def test_bad_amount_is_422_keeps_what_was_typed(lin: Client, loan: Loan, typed: str) -> None:
    response = lin.post(cashier(loan), order(typed))

    text = response.content.decode()
    assert response.status_code == 422
    assert 'id="amount-error"' in text
    assert "还款金额" in text
    field = re.search(r'<input[^>]*id="amount"[^>]*>', text)
    assert field
    assert (re.findall(r'value="([^"]*)"', field[0]) or [""]) == [typed]
    assert Payment.objects.filter(loan=loan).count() == 0


def test_full_width_amount_is_understood(lin: Client, loan: Loan) -> None:
    response = lin.get(cashier(loan), {"scope": "custom", "amount": "１２３．４５"})

    assert response.status_code == 200
    assert figures(response, "split-total") == [Decimal("123.45")]


def test_htmx_gets_the_preview_alone_and_leaves_by_header(lin: Client, loan: Loan) -> None:
    htmx = {"HX-Request": "true"}

    part = lin.get(cashier(loan), {"scope": "custom", "amount": "300"}, headers=htmx)
    paid = lin.post(cashier(loan), order("300.00"), headers=htmx)

    assert "<html" not in part.content.decode()
    assert 'id="repay-preview"' in part.content.decode()
    assert paid["HX-Redirect"].startswith(cashier(loan))


def test_without_a_token_nothing_is_paid(lin: Client, loan: Loan) -> None:
    response = lin.post(cashier(loan), order("300.00", token="short"))

    assert response.status_code == 422
    assert "请刷新" in response.content.decode()
    assert Payment.objects.filter(loan=loan).count() == 0


def test_without_a_payment_channel_the_page_says_so(lin: Client, loan: Loan, settings: Any) -> None:
    settings.PAYMENT_SIMULATION = False

    shown = lin.get(cashier(loan))
    refused = lin.post(cashier(loan), order("300.00"))

    assert "还没有接入支付渠道" in shown.content.decode()
    assert "确认还款" not in shown.content.decode()
    assert refused.status_code == 409
    assert Payment.objects.filter(loan=loan).count() == 0


def test_receipt_of_another_loan_is_404(lin: Client, loan: Loan) -> None:
    paid = lin.post(cashier(loan), order("300.00"))
    other = factories.overdue_loan(loan.borrower)
    payment = paid["Location"].rstrip("/").split("/")[-1]

    assert lin.get(f"{cashier(other)}{payment}/").status_code == 404
