"""还款: the split first, then the payment, then its receipt."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from loans.models import Loan, Payment
from loans.pages._common import borrower, own_loan
from loans.pages.forms import DUE, NEXT, PAYOFF, AmountForm, PayForm
from loans.presenters import repay as present
from loans.queries.debt import debt_of, load_debt
from loans.queries.position import load_position
from loans.queries.stage import stage_of
from loans.queries.types import Debt
from loans.services.payments.payment import pay, preview_payment
from portal.core import clock
from portal.core.errors import RuleViolation
from portal.core.web.access import borrower_only
from portal.core.web.htmx import redirect_to, render_part

NO_CHANNEL = "这里还没有接入支付渠道，不能在页面上付款。请通过银行渠道还款，到账后自动入账。"


def can_pay_here() -> bool:
    """Only a simulated payment exists: on in the demo, PAYMENT_SIMULATION elsewhere."""
    return bool(getattr(settings, "PAYMENT_SIMULATION", settings.DEMO))


@require_http_methods(["GET", "HEAD", "POST"])
@borrower_only
def repay(request: HttpRequest, loan: str) -> HttpResponse:
    """GET shows where the money would go; POST pays the amount that was shown."""
    visitor_loan = own_loan(request, loan)
    if request.method == "POST":
        return _pay(request, visitor_loan)
    if visitor_loan.is_settled:
        return redirect_to(request, reverse("loans:settled", args=[visitor_loan.public_id]))
    form = AmountForm(request.GET)
    return _answer(request, visitor_loan, form)


def _pay(request: HttpRequest, loan: Loan) -> HttpResponse:
    form = PayForm(request.POST)
    if not form.is_valid():
        return _answer(request, loan, form)
    if not can_pay_here():
        form.add_error(None, NO_CHANNEL)
        return _answer(request, loan, form, status=409)
    try:
        payment = pay(
            loan_id=loan.pk,
            amount=form.cleaned_data["amount"],
            paid_on=clock.today(),
            reference=f"HK-{loan.public_id}-{form.cleaned_data['token']}",
            actor=borrower(request),
            now=clock.now(),
        )
    except RuleViolation as refused:
        is_input_error = refused.field in {
            "amount",
            "reference",
        }  # as typed, or under a token used before
        form.add_error("amount" if is_input_error else None, str(refused))
        return _answer(request, loan, form, status=422 if is_input_error else 409)
    return redirect_to(
        request, reverse("loans:repay-result", args=[loan.public_id, payment.public_id])
    )


def _answer(
    request: HttpRequest, loan: Loan, form: AmountForm, *, status: int = 200
) -> HttpResponse:
    """Page or preview; a wrong amount keeps what was typed."""
    today = clock.today()
    books = load_position(loan)
    debt = debt_of(books, today)
    valid = form.is_valid()
    scope = form.cleaned_data.get("scope") or present.first_scope(debt)
    ahead = present.next_of_plan(debt)
    if (scope == DUE and not debt.due_now) or (scope == NEXT and ahead is None):
        scope = present.first_scope(debt)
    amount = {
        DUE: debt.due_now,
        NEXT: ahead.total if ahead else Decimal(0),
        PAYOFF: debt.payoff,
    }.get(scope, form.cleaned_data.get("amount") or Decimal(0))
    preview = None
    if valid and amount and status == 200:
        try:
            preview = present.preview_view(
                preview_payment(loan=loan, amount=amount, on=today, books=books), debt
            )
        except RuleViolation as refused:
            form.add_error("amount", str(refused))
    if form.errors and status == 200:
        status = 422
    context = _context(loan, debt, form, scope) | {"amount": amount, "preview": preview}
    return render_part(
        request,
        page="loans/repay/repay.html",
        part="loans/repay/_repay_preview.html",
        context=context,
        status=status,
    )


def _context(loan: Loan, debt: Debt, form: AmountForm, scope: str) -> dict[str, Any]:
    stage = stage_of(loan, debt)
    return {
        "loan": loan,
        "debt": debt,
        "stage": stage,
        "due_words": present.due_words(debt),
        "form": form,
        "scope": scope,
        "scopes": present.scopes(debt, scope),
        "scope_words": present.scope_words(debt, scope, stage),
        "token": secrets.token_hex(8),
        "can_pay": can_pay_here(),
        "no_channel": NO_CHANNEL,
    }


@require_GET
@borrower_only
def result(request: HttpRequest, loan: str, payment: str) -> HttpResponse:
    """The receipt of one payment, the same at every visit."""
    visitor_loan = own_loan(request, loan)
    received = get_object_or_404(Payment, loan=visitor_loan, public_id=payment)
    debt = load_debt(visitor_loan, clock.today())
    stage = stage_of(visitor_loan, debt)
    headline, sentence = present.result_words(debt, stage)
    context = {
        "loan": visitor_loan,
        "debt": debt,
        "receipt": present.receipt(received),
        "stage": stage,
        "headline": headline,
        "sentence": sentence,
        "simulated": can_pay_here(),
    }
    return render(request, "loans/repay/repay_result.html", context)
